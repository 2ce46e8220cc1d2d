"""Wildcards that a template names and that no folder has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.prompt.templates.reading import Source, read_template
from tagkit.prompt.templates.tree import Wildcard, nested
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.prompt.templates.wildcards import Wildcards


class MissingWildcard(msgspec.Struct, frozen=True):
    """`name` is missing; `span` is what names it in the text, itself or through its values."""

    name: str
    span: Span


def missing_wildcards(text: str, wildcards: Wildcards) -> tuple[MissingWildcard, ...]:
    """Wildcards that cannot be found, in order of the text, nested ones included.

    A name that is itself drawn (`__{a|b}__`) is known only when it is drawn and is left out.
    Raises UserError for a broken template and for a folder or file that cannot be read.
    """
    by_name: dict[str, tuple[str, ...]] = {}
    found = []
    for name, span in sorted(_named(Source(text)), key=lambda each: each[1]):
        if name not in by_name:
            by_name[name] = tuple(_missing_from(name, wildcards))
        found += [MissingWildcard(each, span) for each in by_name[name]]
    return tuple(found)


def _named(source: Source) -> Iterator[tuple[str, Span]]:
    for node in nested(read_template(source)):
        match node:
            case Wildcard(name=(str() as name,), span=span):
                yield name, span


def _missing_from(name: str, wildcards: Wildcards) -> Iterator[str]:
    """Names without values among a name and all that its values name."""
    waiting, known = [name], {name}
    while waiting:
        name = waiting.pop()
        pool = wildcards.find(name)
        if pool is None:
            yield name
            continue
        for value in pool.items:
            names = {each for each, _ in _named(Source(value.text, value.where))}
            waiting += sorted(names - known)
            known |= names
