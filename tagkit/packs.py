"""Rule packs: every rule is one YAML file that says what is wrong, why, and shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from tagkit._version import __version__
from tagkit.compiled import compiled
from tagkit.data import DEFAULT_CARD, data_folder
from tagkit.errors import UserError
from tagkit.typed_yaml import nearest, place_of, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tagkit.typed_yaml import Steps

Severity = Literal["error", "warning", "info", "off"]
Safety = Literal["safe", "unsafe"]

_YAML, _TABLE = (".yaml", ".yml"), ".tsv"


class RuleFix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule's fix is called (holes as in the message) and how far it can be trusted."""

    title: str
    safety: Safety


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt or record that the rule finds something in.

    fixed, fixed_negative: what the rule's fixes, unsafe ones included, make of it.
    """

    flagged: str
    fixed: str | None = None
    negative: str | None = None
    fixed_negative: str | None = None
    fixed_settings: str | None = None
    model: str = DEFAULT_CARD


class Pass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt or record with a negative prompt that the rule finds nothing in."""

    text: str
    negative: str | None = None
    model: str = DEFAULT_CARD


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. `kind` names its matcher, `settings` (`with:` in the file) are the matcher's.

    since: the version of tagkit that has it first. looks_at: the texts of a prompt it judges.
    dialects: those it applies to; `caption` is that of training pictures. needs_card: whether it is
    silent where a record names a model without a card. messages: one for each variant that the rule
    wants of its matcher. always: nothing switches it off. once: it is said once a document,
    whatever the number of prompts. if_guessed: its severity where the dialect was not said but told
    by the prompt. installed: the files that its examples find, as `loras/style.safetensors`, and
    what is in them.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    why: str
    kind: str
    messages: dict[str, str]
    examples: tuple[Example, ...]
    passes: tuple[str | Pass, ...]
    since: str = ""
    looks_at: tuple[Literal["positive", "negative", "settings", "comment"], ...] = ("positive",)
    dialects: tuple[Literal["a1111", "comfyui", "novelai", "compel", "caption"], ...] = (
        "a1111",
        "comfyui",
        "novelai",
        "compel",
        "caption",
    )
    needs_card: bool = False
    always: bool = False
    once: Literal["document"] | None = None
    if_guessed: Severity | None = None
    settings: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    fix: RuleFix | None = None
    installed: dict[str, str] = {}
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class Written(NamedTuple):
    """A rule of a user's pack, and where it is written: a file and the way to it in there."""

    rule: Rule
    path: Path
    steps: Steps = ()

    def place(self, *steps: str | int) -> str:
        """`file:line` of the rule, or of what `steps` lead to in it."""
        return place_of(self.path, (*self.steps, *steps))


def read_pack(path: Path) -> list[Written]:
    """The rules of a user's pack: a YAML file with one rule or a list, or a folder of such files.

    A table that a rule names lies beside the rule's file or in the pack's folder; it comes back as
    an absolute path. Raises UserError, naming file and line, for what is no rule.
    """
    folder = path if path.is_dir() else path.parent
    files = sorted(each for each in path.rglob("*") if each.suffix in _YAML)
    if path.is_file():
        files = [path]
    if not files:
        hint = "a pack is a YAML file of rules or a folder of them"
        raise UserError(f"there is no rule pack `{path}`", "", hint)
    written = [each for file in files for each in _written(file)]
    return [_with_tables(each, folder.absolute()) for each in written]


def _written(path: Path) -> Iterator[Written]:
    content: Rule | tuple[Rule, ...] = read_yaml(path, Rule | tuple[Rule, ...])  # type: ignore[arg-type]
    if isinstance(content, Rule):
        yield Written(content, path)
        return
    for number, rule in enumerate(content):
        yield Written(rule, path, (number,))


def _with_tables(written: Written, pack: Path) -> Written:
    settings = {
        key: _table(written, key, value, pack)
        if isinstance(value, str) and value.endswith(_TABLE)
        else value
        for key, value in written.rule.settings.items()
    }
    return written._replace(rule=msgspec.structs.replace(written.rule, settings=settings))


def _table(written: Written, key: str, name: str, pack: Path) -> str:
    for folder in (written.path.parent.absolute(), pack):
        if (folder / name).is_file():
            return str(folder / name)
    where = written.place("with", key)
    raise UserError(f"there is no table `{name}`", where, "put it beside the rule's file")


def shipped_rules() -> tuple[Rule, ...]:
    """tagkit's own rules, ordered by code. Raises UserError for a broken file."""
    paths = sorted(data_folder("rules").glob("*/*.yaml"))
    return compiled(paths, tuple[Rule, ...], lambda: _read(paths), __version__)


def find_rule(name: str, rules: Sequence[Rule]) -> Rule:
    """The rule with this code, name or alias. Raises UserError with the nearest one."""
    for rule in rules:
        if name.upper() == rule.code or name.lower() == rule.name or name in rule.aliases:
            return rule
    known = [word for rule in rules for word in (rule.code, rule.name)]
    raise UserError(f"there is no rule `{name}`", "", nearest(name, known, "rules"))


def selected(
    rules: Sequence[Rule], select: Sequence[str], ignore: Sequence[str]
) -> tuple[Rule, ...]:
    """Rules whose code begins with one of `select` (all if empty) and with none of `ignore`.

    Rules that nothing switches off are among them whatever is asked for. A prefix that fits no
    rule raises UserError: it is a slip of the pen. A rule that is off comes as a warning where
    `select` has its whole code.
    """
    for prefix in (*select, *ignore):
        if not any(rule.code.startswith(prefix.upper()) for rule in rules):
            find_rule(prefix, rules)
    wanted = tuple(prefix.upper() for prefix in select) or ("",)
    unwanted = tuple(prefix.upper() for prefix in ignore)
    return tuple(
        switched_on(rule) if rule.code in wanted else rule
        for rule in rules
        if rule.always
        or (rule.code.startswith(wanted) and not (unwanted and rule.code.startswith(unwanted)))
    )


def switched_on(rule: Rule) -> Rule:
    """The rule, as a warning if it is off."""
    return msgspec.structs.replace(rule, severity="warning") if rule.severity == "off" else rule


def _read(paths: Sequence[Path]) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for path in paths:
        rule = read_yaml(path, Rule)
        if path.stem != f"{rule.code}-{rule.name}":
            raise UserError(
                f"rule file `{path.name}` is misnamed",
                str(path),
                f"call it {rule.code}-{rule.name}.yaml",
            )
        if rule.code in rules:
            raise UserError(f"two rules have the code {rule.code}", str(path), "codes are unique")
        rules[rule.code] = rule
    return tuple(rules[code] for code in sorted(rules))
