"""Write what is made from the code and the data: docs/cli.md, docs/rules/ and docs/schemas/.

python scripts/make_docs.py            write them
python scripts/make_docs.py --check    fail if they are not what they should be
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tagkit.cards import DetectorCard, ImageCard, TagCard, UpscalerCard
from tagkit.commands import COMMANDS, tagkit
from tagkit.packs import Rule, shipped_rules
from tagkit.rendering.jobfile import JobFile
from tagkit.reporting.pages import rule_page
from tagkit.settings import SettingsFile
from tagkit.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parents[1] / "docs"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
# The files that users write, by the name of their schema.
SCHEMAS = {
    "rule": (Rule, "A rule of tagkit"),
    "image-card": (ImageCard, "A card of an image model"),
    "tag-card": (TagCard, "A card of a tag model"),
    "upscaler-card": (UpscalerCard, "A card of an upscaler"),
    "detector-card": (DetectorCard, "A card of a detector"),
    "job-file": (JobFile, "A job file of tagkit"),
    "settings": (SettingsFile, "tagkit.yaml"),
    "training-recipe": (Recipe, "A recipe of tagkit train"),
}


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated page: its path and its text."""
    yield DOCS / "cli.md", "\n".join(_cli_page()) + "\n"
    rules = shipped_rules()
    for rule in rules:
        yield DOCS / "rules" / f"{rule.name}.md", rule_page(rule) + "\n"
    yield DOCS / "rules" / "README.md", "\n".join(_rule_index()) + "\n"
    for name, (type_, title) in SCHEMAS.items():
        yield DOCS / "schemas" / f"{name}.json", _schema(type_, title) + "\n"


def _schema(type_: type, title: str) -> str:
    """The JSON Schema that editors complete and check such a file with."""
    # The hook is asked for `object` alone; an empty schema would be taken for no answer.
    made = msgspec.json.schema(type_, schema_hook=lambda _: {"description": "Any value."})
    schema = {"$schema": DIALECT, "title": title, **made}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()


def _cli_page() -> Iterator[str]:
    yield "# The command line"
    yield ""
    yield "Made from `--help` by `scripts/make_docs.py`."
    group = click.Context(tagkit, info_name="tagkit")
    yield from _help("tagkit", tagkit, None)
    for name in COMMANDS:
        command = tagkit.get_command(group, name)
        assert command is not None
        yield from _help(f"tagkit {name}", command, group)
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name, parent=group)
            for each in command.list_commands(context):
                yield from _help(f"tagkit {name} {each}", command.commands[each], context)


def _help(title: str, command: click.Command, parent: click.Context | None) -> Iterator[str]:
    name = title.split()[-1]
    context = click.Context(command, info_name=name, parent=parent, max_content_width=90)
    context.terminal_width = 90
    yield from ("", f"## {title}", "", "```text", command.get_help(context), "```")


def _rule_index() -> Iterator[str]:
    yield "# Rules"
    yield ""
    yield "| code | name | severity | fix | what it finds |"
    yield "|---|---|---|---|---|"
    for rule in shipped_rules():
        fix = rule.fix.safety if rule.fix else ""
        link = f"[{rule.name}]({rule.name}.md)"
        yield f"| {rule.code} | {link} | {rule.severity} | {fix} | {rule.summary} |"


def main() -> None:
    """Write or check the pages."""
    wanted = dict(pages())
    stale = [path for path, text in wanted.items() if not _holds(path, text)]
    made = [*(DOCS / "rules").glob("*.md"), *(DOCS / "schemas").glob("*.json")]
    orphans = set(made) - set(wanted)
    if "--check" in sys.argv[1:]:
        for path in [*stale, *sorted(orphans)]:
            print(f"not up to date: {path.relative_to(DOCS.parent)}")
        sys.exit("run: python scripts/make_docs.py" if stale or orphans else 0)
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in orphans:
        path.unlink()


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


main()
