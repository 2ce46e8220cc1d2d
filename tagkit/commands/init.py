"""`tagkit init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tagkit.commands.installations import a1111_folders, comfyui_folders
from tagkit.data import DEFAULT_CARD
from tagkit.errors import UserError
from tagkit.settings import FILE, SEARCHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEAD = f"""\
# Settings of tagkit for this folder and the folders below it. The nearest {FILE} counts,
# nothing is merged. A line with one # in front is a default or an example.

# The model card that prompts are judged by; `tagkit models list` shows what there is.
#model: {DEFAULT_CARD}

# The grammar of the prompts: a1111, comfyui, novelai, compel or auto.
{{dialect}}

# Rules by code or beginning of a code: only these, and none of these.
#select: [SYN, DUP]
#ignore: [FIT102]

# Rule packs of your own: YAML files of rules, or folders of them.
#rules: []

# A tag list of your own: the CSV of A1111's tag-autocomplete, or what `tagkit lexicon` made of it.
#lexicon: ""

# Folders of model cards of your own.
#cards: [cards]

# Folders to search.
"""


@click.command(name="init", short_help="Write a tagkit.yaml.")
@click.option("--a1111", metavar="DIR", help="An A1111 or Forge installation to search.")
@click.option("--comfyui", metavar="DIR", help="A ComfyUI installation to search.")
def command(a1111: str | None, comfyui: str | None) -> None:
    """Write a commented tagkit.yaml into the current folder.

    The folders of an installation are filled in as far as they exist; ComfyUI's
    extra_model_paths.yaml is read too. A file that is there already is never overwritten.

    \b
    Examples:
      tagkit init
      tagkit init --a1111 ~/stable-diffusion-webui
      tagkit init --comfyui ~/ComfyUI
    """
    path = Path(FILE)
    if path.exists():
        raise UserError(f"`{FILE}` is there already", str(path.absolute()), "edit it, or move it")
    found = _found(a1111, comfyui)
    text = "\n".join(_lines(found, "comfyui" if comfyui and not a1111 else ""))
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text + "\n")
    click.echo(f"wrote {FILE}")
    for key, paths in found.items():
        click.echo(f"  {key}: {', '.join(map(str, paths))}")


def _found(a1111: str | None, comfyui: str | None) -> dict[str, list[Path]]:
    """Folders by key, those of A1111 first."""
    found: dict[str, list[Path]] = {}
    searches = ((a1111, a1111_folders), (comfyui, comfyui_folders))
    for root, search in searches:
        if root is None:
            continue
        for key, paths in search(_spelled_out(root)).items():
            known = found.setdefault(key, [])
            known += [path for path in paths if path not in known]
    return {key: found[key] for key in SEARCHED if key in found}


def _lines(found: Mapping[str, Sequence[Path]], dialect: str) -> Iterator[str]:
    said = f"dialect: {dialect}" if dialect else "#dialect: a1111"
    yield from _HEAD.format(dialect=said).splitlines()
    for key in SEARCHED:
        if key not in found:
            yield f"#{key}: []"
            continue
        yield f"{key}:"
        # A JSON string is a YAML string, whatever the path holds.
        yield from (f"  - {msgspec.json.encode(str(path)).decode()}" for path in found[key])


def _spelled_out(root: str) -> Path:
    """The whole path of a folder without `..`; links in it stay what they are."""
    return Path(os.path.normpath(Path(root).expanduser().absolute()))
