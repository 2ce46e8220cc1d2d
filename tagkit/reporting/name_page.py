"""Everything that is known of a tag's name, and what a card makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.linting.patterns import name_test
from tagkit.prompt import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tagkit.linting import Knowledge

_SHOWN = 12  # names of a list in the text form


class NamePage(msgspec.Struct, frozen=True):
    """What is known of `name`, the canonical spelling of `query`.

    category, group, posts: "" and None where nobody knows. alias_of: the name that it stands for;
    what follows is of that one. implies, implied_by: names that it says too, and that say it.
    model_says: sentences on what the card makes of it. nearest: for an unknown name, known ones.
    """

    query: str
    name: str
    known: bool
    category: str = ""
    group: str = ""
    posts: int | None = None
    alias_of: str | None = None
    aliases: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    implied_by: tuple[str, ...] = ()
    model_says: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


def name_page(query: str, knowledge: Knowledge, implied: Mapping[str, frozenset[str]]) -> NamePage:
    """The page of one name. implied: each name with all that it implies."""
    lexicon = knowledge.lexicon
    name = canonical(query)
    alias = lexicon.alias(name)
    entry = lexicon.find(alias.of if alias else name)
    if entry is None:
        return NamePage(query, name, False, nearest=lexicon.nearest(name) if name else ())
    return NamePage(
        query,
        name,
        True,
        entry.category,
        entry.group,
        entry.posts,
        alias.of if alias else None,
        lexicon.aliases_of(entry.name),
        tuple(sorted(implied.get(entry.name, ()))),
        tuple(sorted(child for child, said in implied.items() if entry.name in said)),
        tuple(_judgements(entry.name, knowledge)),
    )


def as_text(page: NamePage, model: str) -> str:
    """The page for people."""
    if not page.known:
        near = f"did you mean {' or '.join(page.nearest)}?" if page.nearest else ""
        return "\n".join(filter(None, (page.name, "  unknown", f"  {near}" if near else "")))
    group = f", group {page.group}" if page.group else ""
    rows = {
        "alias of": page.alias_of or "",
        "category": page.category + group,
        "posts": "" if page.posts is None else f"{page.posts:,}",
        "aliases": _some(page.aliases),
        "implies": _some(page.implies),
        "implied by": _some(page.implied_by),
        model: "; ".join(page.model_says),
    }
    width = max(map(len, rows))
    lines = (f"  {key:{width}}  {text}" for key, text in rows.items() if text)
    return "\n".join([page.name, *lines])


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _judgements(name: str, knowledge: Knowledge) -> Iterator[str]:
    """What the card says of a known name, a sentence each."""
    advice = knowledge.card.prompt
    group = knowledge.group(name)
    homes = knowledge.homes(name, group)
    if homes:
        places = " or ".join(str(home + 1) for home in homes)
        yield f"sorted as {str(group).replace('_', ' ')}, place {places} of {len(advice.order)}"
    else:
        yield "has no place in the order"
    if ban := knowledge.ban(name):
        yield f"advised against (`{ban.pattern}`)"
    for entry in advice.overfit:
        if name_test(entry.pattern)(name):
            yield f"comes out unasked: `{entry.inject}` belongs into the negative prompt"
    if name in knowledge.base_negative:
        yield "a word of its negative prompt"
    if name in map(canonical, advice.foreign):
        yield "a word of other families of checkpoints"
    if name in map(canonical, advice.unstable):
        yield "comes out with more than it says"
    for subject in advice.unsupported:
        if name in subject.tags:
            yield f"not made for {subject.subject}"
