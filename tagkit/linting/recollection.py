"""What rules say of lists of plain tags, remembered by the tags that it hangs on.

Most findings hang on a tag or two of a list, whatever stands around them, and those recur.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from tagkit.linting.diagnosing import diagnostic, diagnostics
from tagkit.linting.diagnostics import Diagnostic, Edit, Finding, Fix
from tagkit.linting.editing import list_removal
from tagkit.linting.facts import SEPARATOR
from tagkit.linting.matchers import MEETINGS, OF_TAGS
from tagkit.linting.matchers.order import ORDER, inversion
from tagkit.linting.matchers.repeated import REPEATED
from tagkit.linting.screening import Glance, starts_of
from tagkit.prompt import Tag
from tagkit.prompt.plain import Excerpt
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tagkit.linting.context import Context
    from tagkit.linting.facts import Facts, RuleBit
    from tagkit.linting.screening import Screen
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt

_REMEMBERED = 1 << 12


class _Remark(msgspec.Struct, frozen=True, gc=False):
    """A finding wherever its tags stand.

    said: the diagnostic as it would be somewhere else. at: which of the tags it is found in.
    instead: what its fix writes for that tag, "" to take it out.
    """

    said: Diagnostic
    at: int
    instead: str


class _Places(msgspec.Struct, frozen=True, gc=False):
    """A list and where its tags begin, and another one would.

    keep: first tags that no fix moves or changes.
    """

    glance: Glance
    starts: Sequence[int]
    keep: int

    def span(self, tag: int) -> Span:
        """Where a tag stands."""
        return Span(self.starts[tag], self.starts[tag + 1] - len(SEPARATOR))

    @property
    def kept(self) -> int:
        """Where that ends which no fix changes."""
        last = min(self.keep, len(self.glance.tags)) - 1
        return self.span(last).end if self.keep else 0


class Recollection:
    """What the rules of a screen say of lists of plain tags in the positive prompt.

    context: makes one for a prompt, in which nothing is kept.
    """

    def __init__(self, screen: Screen, dialect: str, context: Callable[[Prompt], Context]) -> None:
        self._dialect = dialect
        self._keep = screen.keep
        self._context = context
        self._nothing, _ = self._shown(())
        self._book = screen.facts
        self._judging = screen.judging(lambda rule: rule.kind in OF_TAGS)
        self._rules = dict(self._judging)
        self._order = screen.mask(lambda rule: rule.kind == ORDER)
        self._rules_of = lru_cache(_REMEMBERED)(self._rules_in)
        self._remarks = lru_cache(_REMEMBERED)(self._remarks_of)
        self._disorder = lru_cache(_REMEMBERED)(self._disorder_of)
        self._known = sum(self._rules)

    def known(self, glance: Glance) -> int:
        """Those of the suspected rules, a bit each, that it can speak for."""
        found = glance.rules & self._known
        return found & ~self._order if glance.signs & self._order else found  # loose tags sign

    def diagnostics(self, glance: Glance, rules: int) -> list[Diagnostic]:
        """What these rules, which it can speak for, find in the list."""
        places = _Places(glance, starts_of(glance.tags), self._keep)
        found: list[Diagnostic] = []
        for bit, rule in self._rules_of(rules):
            if bit == self._order:
                found += self._out_of_order(bit, places)
                continue
            tags = self._concerned(bit, rule, glance)
            written = [glance.tags[tag].written for tag in tags]
            found += [
                _placed(remark, tags[remark.at], places) for remark in self._remarks(bit, *written)
            ]
        return found

    def _rules_in(self, mask: int) -> list[RuleBit]:
        return [each for each in self._judging if each.bit & mask]

    def _concerned(self, bit: int, rule: Rule, glance: Glance) -> list[int]:
        """The places of the tags that all findings of a rule hang on."""
        if rule.kind == REPEATED:
            names = [tag.name for tag in glance.tags]
            return [place for place, name in enumerate(names) if names.count(name) > 1]
        if rule.kind not in MEETINGS:
            return [place for place, tag in enumerate(glance.tags) if tag.signs & bit]
        met = glance.met & self._book.bits_of[bit]
        signs = met | met << 1
        return [
            place for place, tag in enumerate(glance.tags) if tag.signs & signs or tag.bears & bit
        ]

    def _remarks_of(self, bit: int, *written: str) -> tuple[_Remark, ...]:
        """What the rule finds in these tags behind others: what stands first is taken out alike."""
        context, ends = self._shown(written)
        return tuple(
            _Remark(each, ends[each.span.end], each.fix.edits[0].text if each.fix else "")
            for each in diagnostics(context, self._rules[bit])
        )

    def _known_tag(self, written: str) -> Facts:
        *_, facts = self._book[written]
        return facts

    def _shown(self, written: Sequence[str]) -> tuple[Context, dict[int, int]]:
        """These tags alone, and which of them ends where."""
        tags, at = [], 0
        for each in written:
            start = at + len(SEPARATOR)
            at = start + len(each)
            tags.append(Tag(self._known_tag(each).name, 1.0, Span(start, at)))
        text = "".join(f"{SEPARATOR}{each}" for each in written)
        excerpt = Excerpt(text, self._dialect, (), tuple(tags), ())
        return self._context(excerpt), {tag.span.end: place for place, tag in enumerate(tags)}

    def _out_of_order(self, bit: int, places: _Places) -> Iterator[Diagnostic]:
        tags, starts = places.glance.tags, places.starts
        sorting = places.glance.sorting
        if sorting is None:
            return
        edits = tuple(
            [
                Edit(Span(starts[slot], starts[slot + 1] - len(SEPARATOR)), tags[source].written)
                for slot, source in sorting.moves
            ]
        )
        moved, other = tags[sorting.moved], tags[sorting.other]
        said = self._disorder(bit, moved.written, other.written, bool(edits))
        if said:
            yield _with(said, places.span(sorting.moved), edits)

    def _disorder_of(self, bit: int, moved: str, other: str, fixable: bool) -> Diagnostic | None:
        """What is said of a tag that stands in front of another one."""
        shown = [(tag.name, tag.group) for tag in map(self._known_tag, (moved, other))]
        edits = (Edit(Span(0, 0), ""),) if fixable else ()
        finding = Finding(
            "positive",
            Span(0, 0),
            inversion(shown, self._nothing),
            edits=edits,
            severity=None if fixable else "info",
        )
        return diagnostic(self._nothing, self._rules[bit], finding)


def _placed(remark: _Remark, tag: int, places: _Places) -> Diagnostic:
    """The finding in a tag of a list."""
    span = places.span(tag)
    if remark.said.fix is None:
        return _with(remark.said, span, ())
    text = places.glance.text
    edit = Edit(span, remark.instead) if remark.instead else list_removal(text, span)
    if edit is None or (places.keep and edit.span.start < places.kept):
        return _with(remark.said, span, ())
    return _with(remark.said, span, (edit,))


def _with(said: Diagnostic, span: Span, edits: tuple[Edit, ...]) -> Diagnostic:
    """What is said, in this place and with these edits for a fix."""
    fix = Fix(said.fix.title, said.fix.safety, edits) if said.fix and edits else None
    return Diagnostic(
        said.code, said.name, said.severity, said.message, said.where, span, fix, said.once
    )
