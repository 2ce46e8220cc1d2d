"""Tags of a list: the card's, or a rule's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from tagkit.linting.diagnostics import Edit, Finding
from tagkit.linting.editing import removal
from tagkit.linting.patterns import name_test
from tagkit.linting.tables import replacements
from tagkit.prompt import canonical, escaped
from tagkit.prompt.grammars import GRAMMARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt, Tag


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule's settings: which tags it lists.

    list: a closed list of the card's advice on prompts. tags: names. patterns: regular expressions
    that match a whole name. table: names, and in a second column what to write instead. once: only
    the first of a prompt is found.
    """

    list: Literal["", "foreign", "unstable", "quality", "rating", "year"] = ""
    tags: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    table: str = ""
    once: bool = False


class Listing(NamedTuple):
    """What is listed: names with what to write instead (perhaps nothing), tests of other names."""

    names: Mapping[str, str]
    tests: tuple[Callable[[str], bool], ...]
    once: bool

    def holds(self, name: str) -> bool:
        """Whether a canonical name is listed."""
        return name in self.names or any(test(name) for test in self.tests)


def listed_tags(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags that are listed; the fix takes them out or writes what is to stand there instead.

    In an alternative nothing is rewritten.
    """
    listing = context.knowledge.prepared(rule, listing_of)
    for where, prompt in context.prompts(rule):
        found = [tag for tag in prompt.tags if listing.holds(tag.name) and tag.is_asked_for]
        for tag in found[:1] if listing.once else found:
            instead = listing.names.get(tag.name, "")
            edit = _edit(prompt, tag, instead) if rule.fix else None
            values = {"tag": tag.name, "model": context.card.title, "instead": instead}
            yield Finding(where, tag.span, values, edits=(edit,) if edit else ())


def listing_of(rule: Rule, knowledge: Knowledge) -> Listing:
    """What the rule's settings list. Raises UserError for a bad pattern or table."""
    settings = msgspec.convert(rule.settings, Listed)
    advised: tuple[str, ...] = (
        getattr(knowledge.card.prompt, settings.list) if settings.list else ()
    )
    names = dict.fromkeys(map(canonical, (*advised, *settings.tags)), "")
    if settings.table:
        names |= replacements(settings.table)
    tests = tuple(name_test(pattern, rule.code) for pattern in settings.patterns)
    return Listing(names, tests, settings.once)


def _edit(prompt: Prompt, tag: Tag, instead: str) -> Edit | None:
    if not instead:
        return removal(prompt, tag)
    is_weighed = "emphasis" in GRAMMARS[prompt.dialect].factors
    return None if tag.choices else Edit(tag.span, escaped(instead) if is_weighed else instead)
