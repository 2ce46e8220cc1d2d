"""Findings for programs: the JSON of `tagkit lint`, a line a prompt and a line a finding."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tagkit.clip import CHUNK, count_tokens
from tagkit.linting.screening import chunks_of
from tagkit.packs import shipped_rules
from tagkit.reporting.fitting import fitting_fields
from tagkit.reporting.statistics import Tallies
from tagkit.spans import LineMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tagkit.documents import Document, Record
    from tagkit.linting.batch import LintedDocument, LintedPrompt
    from tagkit.linting.diagnostics import Diagnostic, Fix, Where
    from tagkit.linting.fitting import Fitting
    from tagkit.linting.linter import Brief, Texts
    from tagkit.packs import Safety

VERSION = 1
SEPARATOR = b",\n"
MIDDLE = b'\n],\n"diagnostics": [\n'
_ENCODER = msgspec.json.Encoder()
_REMEMBERED = 1 << 12


class Start(msgspec.Struct, frozen=True):
    """Where a piece of a file begins in it: lines and code points in front of it."""

    lines: int = 0
    offset: int = 0


AT_THE_TOP = Start()


class Summary(msgspec.Struct, frozen=True):
    """How much there is of everything; `fixable` counts findings with a safe fix."""

    prompts: int = 0
    errors: int = 0
    warnings: int = 0
    infos: int = 0
    fixable: int = 0

    def plus(self, other: Summary) -> Summary:
        """Both together."""
        return Summary(
            self.prompts + other.prompts,
            self.errors + other.errors,
            self.warnings + other.warnings,
            self.infos + other.infos,
            self.fixable + other.fixable,
        )

    def less(self, other: Summary) -> Summary:
        """This one without what `other` counts."""
        return self.plus(Summary(*(-count for count in msgspec.structs.astuple(other))))


class _Text(msgspec.Struct, frozen=True, gc=False):
    text: str
    tokens: int
    limit: int
    chunks: tuple[int, ...]


class _Prompt(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    path: str
    line: int
    model: str
    positive: _Text
    negative: _Text | None
    fixed: dict[str, str]
    fit: dict[str, Any] | None = None


class _Edit(msgspec.Struct, frozen=True, gc=False):
    start: int
    end: int
    text: str


class Judged(NamedTuple):
    """A document with what is to be shown of each prompt: what safe fixes give, what was dropped.

    dropped: to make prompts fit, nothing unless that was asked for.
    """

    linted: LintedDocument
    fixed: Sequence[Texts]
    dropped: Sequence[Fitting] = ()


def as_json(judged: Iterable[Judged], *, statistics: bool = False) -> Iterator[bytes]:
    """The findings as one JSON document, piece by piece; nothing where there is none.

    statistics: whether the findings are counted by rule too, and the tags of captions. Of what was
    judged no more is kept than the items of its diagnostics, which come last.
    """
    diagnostics: list[bytes] = []
    summary, tallies = Summary(), Tallies()
    for each in judged:
        encoder = DocumentEncoder(each.linted.document)
        model = next((prompt.model for prompt in each.linted.prompts), "")
        yield SEPARATOR if summary.prompts else opening(model)
        yield SEPARATOR.join(_items(each, encoder))
        found = list(each.linted.diagnostics())
        diagnostics += [encoder.diagnostic(said) for said in found]
        summary = summary.plus(summary_of(found, len(each.linted.prompts)))
        if statistics:
            tallies.add(each.linted)
    if summary.prompts:
        yield MIDDLE
        yield SEPARATOR.join(diagnostics)
        yield closing(summary, _statistics(tallies) if statistics else {})


def _items(each: Judged, encoder: DocumentEncoder) -> Iterator[bytes]:
    dropped = iter(each.dropped)
    for prompt, texts in zip(each.linted.prompts, each.fixed, strict=True):
        yield encoder.linted(prompt, texts, next(dropped, None))


def opening(model: str) -> bytes:
    """The document up to its first prompt."""
    return b'{"version": %d, "model": %b,\n"prompts": [\n' % (VERSION, _ENCODER.encode(model))


def closing(summary: Summary, further: Mapping[str, object]) -> bytes:
    """The document behind its last diagnostic."""
    members = {"summary": summary, **further}
    texts = [b"%b: %b" % (_ENCODER.encode(k), _ENCODER.encode(v)) for k, v in members.items()]
    return b"\n],\n" + SEPARATOR.join(texts) + b"}\n"


class DocumentEncoder:
    """Items of `prompts` and `diagnostics` for one document, or a piece of it."""

    def __init__(self, document: Document, start: Start = AT_THE_TOP) -> None:
        self._path = document.path
        self._encoded_path = _ENCODER.encode(document.path)
        self._start = start
        self._line_map = LineMap(document.text)

    def linted(self, prompt: LintedPrompt, fixed: Texts, fitting: Fitting | None = None) -> bytes:
        """A prompt with its report; `fixed` is what is to be shown as such."""
        record, report = prompt.record, prompt.report
        negative = None
        if record.negative is not None:
            negative = _counted(record.negative, report.dialect, negative=True)
        said = _counted(record.positive, report.dialect, report.tokens)
        fits = fitting_fields(fitting) if fitting else None
        return self._prompt(record, prompt.model, said, negative, fixed, fits)

    def brief(self, record: Record, model: str, brief: Brief) -> bytes:
        """The same for a prompt of plain tags."""
        said = _Text(record.positive, brief.glance.tokens, CHUNK, chunks_of(brief.glance))
        return self._prompt(record, model, said, None, brief, None)

    def _prompt(
        self,
        record: Record,
        model: str,
        positive: _Text,
        negative: _Text | None,
        fixed: Texts | Brief,
        fit: dict[str, Any] | None,
    ) -> bytes:
        line = record.line + self._start.lines
        texts = {"positive": fixed.positive, "negative": fixed.negative}
        return _ENCODER.encode(_Prompt(self._path, line, model, positive, negative, texts, fit))

    def diagnostic(self, each: Diagnostic, offset: int = 0) -> bytes:
        """What was found, in a text that begins at `offset` of the document."""
        span, fix, lines = each.span, each.fix, self._start.lines
        start, end = span.start + offset, span.end + offset
        line, column = self._line_map.place(start)
        last_line, last_column = self._line_map.place(end)
        at = self._start.offset
        values = (line + lines, column, start + at, last_line + lines, last_column, end + at)
        form = _form(each.code, each.name, each.severity, each.where, fix.safety if fix else None)
        said = (_ENCODER.encode(each.message), self._encoded_path, *values)
        if fix is None:
            return form % said
        return form % (*said, _ENCODER.encode(fix.title), _edits(fix, offset + at))


@lru_cache(_REMEMBERED)
def _form(
    code: str,
    name: str,
    severity: str,
    where: Where,
    safety: Safety | None,
) -> bytes:
    """An item of `diagnostics` with holes for what differs from place to place.

    They are the message, the path, line, column and offset of both ends, and, if there is a fix,
    its title and its edits.
    """
    said = {"code": code, "name": name, "severity": severity}
    head = _literal(said)[:-1]
    place = _literal(None if where == "comment" else where)
    fix = b"null"
    if safety:
        fix = b'{"title":%%b,"safety":%b,"edits":%%b}' % _literal(safety)
    end = b'"line":%d,"column":%d,"offset":%d'
    return b'%b,"message":%%b,"path":%%b,"in":%b,"start":{%b},"end":{%b},"fix":%b,"url":%b}' % (
        head, place, end, end, fix, _literal(_page(name))
    )  # fmt: skip


def _literal(value: object) -> bytes:
    """A value as it stands in what `%` fills."""
    return _ENCODER.encode(value).replace(b"%", b"%%")


def _edits(fix: Fix, offset: int) -> bytes:
    return _ENCODER.encode(
        [_Edit(each.span.start + offset, each.span.end + offset, each.text) for each in fix.edits]
    )


def summary_of(found: Sequence[Diagnostic], prompts: int) -> Summary:
    """Findings of `prompts` prompts, counted."""
    severities: list[str] = [each.severity for each in found]
    safe = sum(each.fix is not None and each.fix.safety == "safe" for each in found)
    errors, warnings, infos = map(severities.count, ("error", "warning", "info"))
    return Summary(prompts, errors, warnings, infos, safe)


def _statistics(tallies: Tallies) -> dict[str, object]:
    captions = tallies.census.result()
    return {"statistics": tallies.rules()} | ({"captions": captions} if captions else {})


def _counted(
    text: str, dialect: str, tokens: int | None = None, *, negative: bool = False
) -> _Text:
    """The text with its tokens, counted unless it is known that there are so many."""
    if tokens is not None and tokens <= CHUNK:
        return _Text(text, tokens, CHUNK, (tokens,))
    count = count_tokens(text, dialect, negative=negative)
    return _Text(text, count.real, count.limit, count.chunks)


def _page(name: str) -> str:
    """Where the rule's page lies in tagkit; a rule of the user's own has none there."""
    return f"docs/rules/{name}.md" if name in _own_names() else ""


@cache
def _own_names() -> frozenset[str]:
    return frozenset(rule.name for rule in shipped_rules())
