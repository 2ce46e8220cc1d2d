"""Tags that another tag says already."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import removal, triggers
from tagkit.linting.matchers.meeting import Meeting
from tagkit.linting.tables import implications

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Tag


def implied_tags(context: Context, rule: Rule) -> Iterator[Finding]:
    """Whole tags whose meaning a narrower one of their section has, wherever they are drawn.

    The tag behind a LoRA is taken for its trigger, as are those that are kept beside its file:
    they say what the LoRA was trained to say.
    """
    said_by = context.knowledge.prepared(rule, implied_table).said_by
    for where, prompt in context.prompts(rule):
        asked = [tag for tag in prompt.tags if tag.whole and tag.is_asked_for]
        narrow = [tag for tag in asked if tag.name in said_by]
        if prompt.networks:
            woken = triggers(prompt)
            named = context.knowledge.files.triggers_in(prompt)
            narrow = [tag for tag in narrow if tag not in woken and tag.name not in named]
        said = frozenset[str]().union(*(said_by[tag.name] for tag in narrow))
        for tag in asked:
            if tag.name not in said:
                continue
            by = next((each for each in narrow if _says(each, tag, said_by)), None)
            if by:
                edit = removal(prompt, tag)
                values = {"tag": tag.name, "by": by.name}
                yield Finding(where, tag.span, values, edits=(edit,) if edit else ())


def implied_meeting(name: str, rule: Rule, knowledge: Knowledge) -> Meeting:
    """A tag meets those that it says already."""
    table = knowledge.prepared(rule, implied_table)
    own = frozenset({name} if name in table.said else ())
    return Meeting(own, table.said_by.get(name, frozenset()))


class Implied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule's settings: a table of children and parents."""

    table: str


class _Table(NamedTuple):
    """What each narrow tag says, and everything that any of them says."""

    said_by: dict[str, frozenset[str]]
    said: frozenset[str]


def implied_table(rule: Rule, _: Knowledge) -> _Table:
    """What the rule's table says. Raises UserError for a broken one."""
    said_by = implications(rule.settings["table"])
    return _Table(said_by, frozenset().union(*said_by.values()))


def _says(tag: Tag, other: Tag, said_by: dict[str, frozenset[str]]) -> bool:
    """Whether `tag` implies `other` and stands in every picture that `other` stands in."""
    return (
        other.name in said_by[tag.name]
        and tag.section == other.section
        and set(tag.choices) <= set(other.choices)
    )
