"""`lint`: one prompt or one record, judged and fixed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.cards import ImageCard, image_card
from tagkit.data import DEFAULT_CARD
from tagkit.documents import NEGATIVE, Record, Suppression, parse_record
from tagkit.lexicon import Lexicon, lexicon_for
from tagkit.linting.checking import Checker
from tagkit.linting.classify import Knowledge
from tagkit.linting.context import Context, Unused
from tagkit.linting.diagnostics import Diagnostic, Edit, Fix, Where, apply_edits
from tagkit.linting.files import NO_FILES, Files
from tagkit.linting.fixing import fixed, fixed_list
from tagkit.linting.matchers import OF_WHAT_IS_MISSING
from tagkit.linting.matchers.overfit import OVERFIT
from tagkit.linting.screening import Glance
from tagkit.packs import Rule, Safety, selected, shipped_rules, switched_on
from tagkit.prompt import parse
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Container

_NEGATIVE = frozenset[Where]({"negative"})
_NOTHING = frozenset[str]()
_NOTHING_IS_MISSED = -1  # stands where else what a negative prompt heeds does
UNKNOWN_MODEL = ImageCard(card="image", name="")


class Texts(msgspec.Struct, frozen=True):
    """A prompt's texts: as the safe fixes leave them, or the unsafe ones too if asked for."""

    positive: str
    negative: str
    settings: str


class Report(msgspec.Struct, frozen=True):
    """Findings of one prompt, and what the fixes make of it.

    diagnostics: spans count in the text that was linted. `remaining`: what is found still once it
    is fixed; spans count within each text. `card` is the one it was judged by, without a name for a
    model that tagkit does not know; the texts were read as `dialect`. suppressed: codes of what
    the record's comments keep from being found. tokens: CLIP's of the positive text that was
    linted, where the check has counted them.
    """

    diagnostics: tuple[Diagnostic, ...]
    fixed: Texts
    remaining: tuple[Diagnostic, ...]
    card: ImageCard
    dialect: str
    suppressed: frozenset[str] = frozenset()
    tokens: int | None = None


class _Absent(NamedTuple):
    """What is found in a negative prompt that is not there, and what the fixes make of it."""

    found: Sequence[Diagnostic]
    negative: str
    left: Sequence[Diagnostic]


class Brief(msgspec.Struct, frozen=True, gc=False):
    """What is to report of a prompt of plain tags that is nothing else.

    found: findings in it; spans count within it. absent: those in the negative prompt that is not
    there; spans count in the document. positive, negative: as the fixes leave them. glance,
    settled: at the text as it was and as it is fixed.
    """

    found: tuple[Diagnostic, ...]
    absent: tuple[Diagnostic, ...]
    positive: str
    negative: str
    glance: Glance
    settled: Glance
    left: Sequence[Diagnostic]


class Linter:
    """Rules, a card and tag knowledge, ready for any number of prompts."""

    def __init__(
        self,
        card: ImageCard | None,
        rules: Sequence[Rule],
        dialect: str = "a1111",
        fixes: Sequence[Safety] = ("safe",),
        *,
        keep_tokens: int = 0,
        files: Files = NO_FILES,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self.dialect = dialect
        self.fixes = fixes
        self.keep_tokens = keep_tokens
        self.knowledge = Knowledge(card or UNKNOWN_MODEL, lexicon or lexicon_for(), files)
        self._checker = cache(self._checker_of)
        self._absences = {_NOTHING_IS_MISSED: _Absent((), "", ())}
        self._unmissed = {
            "all": _NOTHING,
            "base": self._codes({OVERFIT}),
            "nothing": self._codes(OF_WHAT_IS_MISSING),
        }

    def lint(self, record: Record, said: Container[str] = ()) -> Report:
        """Judges one record; the report's spans count in the document that it stands in.

        said: codes of findings that are said once a document and have been said; the report may
        leave them out.
        """
        brief = self.brief(record, said)
        return self._in_full(brief, record) if brief else self.lint_whole(record)

    def brief(self, record: Record, said: Container[str] = ()) -> Brief | None:
        """The same for a prompt of plain tags that is nothing else, as captions and lists are.

        What is to say of its missing negative prompt is the same for all that ask for the same
        traits. None for a prompt that is more, or that fixes make ask for others.
        """
        if record.negative is not None or record.settings or record.suppressions:
            return None
        if record.missed == "base":
            return None
        checker = self._checker(_NOTHING)
        glance = checker.glance(record.positive)
        if glance is None:
            return None
        found = checker.check_list(glance)
        settled = fixed_list(glance, found, checker, self.fixes) if found else glance
        if settled is None:
            return None
        heeded = _NOTHING_IS_MISSED if record.missed == "nothing" else glance.heeded
        absent = self._absences.get(heeded)
        if absent is None:
            absent = self._absences[heeded] = self._absent(settled.text, checker)
        unsaid = [each for each in absent.found if not (each.once and each.code in said)]
        placed = tuple([_placed(each, record) for each in unsaid]) if unsaid else ()
        return Brief(found, placed, settled.text, absent.negative, glance, settled, absent.left)

    def _in_full(self, brief: Brief, record: Record) -> Report:
        left = brief.found
        if brief.settled is not brief.glance:
            left = self._checker(_NOTHING).check_list(brief.settled)
        return Report(
            (*(_placed(each, record) for each in brief.found), *brief.absent),
            Texts(brief.positive, brief.negative, ""),
            (*left, *brief.left),
            self.knowledge.card,
            self.dialect,
            tokens=brief.glance.tokens,
        )

    def _absent(self, positive: str, checker: Checker) -> _Absent:
        """What the rules say of the negative prompt that `positive` lacks."""
        context = checker.context(parse(positive, self.dialect), _NEGATIVE)
        found = checker.check(context)
        after, left = fixed(context, found, checker, self.fixes)
        return _Absent(found, after.negative.text, left)

    def lint_whole(self, record: Record) -> Report:
        """The same for any record."""
        context = Context(
            parse(record.positive, self.dialect),
            parse(record.negative or "", self.dialect),
            record.settings or "",
            self.knowledge,
            record.negative is not None,
            self.keep_tokens,
        )
        unmissed = self._unmissed[record.missed]
        checker, suppressed = self._checker(record.allowed | unmissed), _NOTHING
        if record.allowed:
            suppressed = self._suppressed(context, record.allowed)
        found = checker.check(context)
        after, left = fixed(context, found, checker, self.fixes)
        placed = tuple(_placed(each, record) for each in found)
        texts = Texts(after.positive.text, after.negative.text, after.settings)
        return Report(placed, texts, tuple(left), self.knowledge.card, self.dialect, suppressed)

    def _codes(self, kinds: Container[str]) -> frozenset[str]:
        return frozenset(rule.code for rule in self.rules if rule.kind in kinds)

    def comments(self, unused: Sequence[Unused]) -> tuple[Diagnostic, ...]:
        """What the rules on comments say; spans count in the document."""
        nothing = parse("", self.dialect)
        places = frozenset[Where]({"comment"})
        context = Context(
            nothing, nothing, "", self.knowledge, False, texts=places, unused=tuple(unused)
        )
        return self._checker(frozenset()).check(context)

    def _checker_of(self, allowed: frozenset[str]) -> Checker:
        """The dialect's rules but those that a record is allowed to break."""
        speaking = [rule for rule in self.rules if self.dialect in rule.dialects]
        rules = [rule for rule in speaking if rule.always or rule.code not in allowed]
        return Checker(rules, self.knowledge, self.dialect, self.keep_tokens)

    def _suppressed(self, context: Context, allowed: frozenset[str]) -> frozenset[str]:
        """Which of the codes would find something, whether their rules are selected or not.

        A rule that needs a card where there is none gets the benefit of the doubt.
        """
        known = {rule.code: rule for rule in (*shipped_rules(), *self.rules)}
        rules = [
            switched_on(rule) for code in allowed if (rule := known.get(code)) and not rule.always
        ]
        silent = (rule.code for rule in rules if rule.needs_card and not context.card.name)
        found = Checker(rules, self.knowledge, self.dialect).check(context)
        return frozenset((*silent, *(each.code for each in found)))


def lint(
    text: str,
    negative: str | None = None,
    model: str | ImageCard | None = DEFAULT_CARD,
    dialect: str = "a1111",
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    unsafe: bool = False,
) -> Report:
    """Judges one prompt or one A1111 record, newlines included.

    negative: the negative prompt; `text` is the positive one only then. model: a card or its name,
    None for the rules that need no card. select, ignore: prefixes of rule codes. unsafe: the
    report's `fixed` has unsafe fixes too. Raises UserError for an unknown card, dialect or code.
    """
    card = image_card(model) if isinstance(model, str) else model
    rules = selected(shipped_rules(), select, ignore)
    fixes: tuple[Safety, ...] = ("safe", "unsafe") if unsafe else ("safe",)
    linter = Linter(card, rules, dialect, fixes)
    record = record_of(text, negative)
    return with_comments(linter.lint(record), record, linter)


def unused_suppressions(linted: Sequence[tuple[Record, Report]]) -> list[Unused]:
    """Suppressions with codes that suppress nothing in any of the records they stand for."""
    used: dict[Suppression, set[str]] = {}
    for record, report in linted:
        for each in record.suppressions:
            used.setdefault(each, set()).update(report.suppressed)
    found = (
        Unused(each, tuple(code for code in each.codes if code not in codes))
        for each, codes in used.items()
    )
    return [each for each in found if each.codes]


def with_comments(report: Report, record: Record, linter: Linter) -> Report:
    """The report with what is to say of comments, which stand within the prompt's own text."""
    found = linter.comments(unused_suppressions([(record, report)]))
    if not found:
        return report
    fixed = parse_record(report.fixed.positive)
    again = linter.comments(unused_suppressions([(fixed, report)]))
    edits = [edit for each in again if each.fix for edit in each.fix.edits]
    positive = apply_edits(report.fixed.positive, edits)
    return msgspec.structs.replace(
        report,
        diagnostics=(*report.diagnostics, *found),
        fixed=msgspec.structs.replace(report.fixed, positive=positive),
    )


def record_of(text: str, negative: str | None) -> Record:
    """One prompt or record; `text` is the positive prompt only where `negative` is given."""
    if negative is None:
        return parse_record(text)
    whole = Span(0, len(text))
    return Record(text, whole, 1, negative, Span(0, len(negative)))


def _placed(diagnostic: Diagnostic, record: Record) -> Diagnostic:
    """The diagnostic with spans of the document; a negative prompt yet to be comes as a line."""
    if diagnostic.where == "positive":
        span: Span | None = record.positive_span
    else:
        span = record.negative_span if diagnostic.where == "negative" else record.settings_span
    if span is not None:
        return diagnostic.shifted(span.start) if span.start else diagnostic
    end = Span(record.positive_span.end, record.positive_span.end)
    if diagnostic.where == "settings":  # written as flags: found, but not ours to edit
        return msgspec.structs.replace(diagnostic, span=end, fix=None)
    fix = diagnostic.fix
    if fix:
        inserted = "".join(edit.text for edit in fix.edits)
        fix = Fix(fix.title, fix.safety, (Edit(end, f"\n{NEGATIVE} {inserted}"),))
    return msgspec.structs.replace(diagnostic, span=end, fix=fix)
