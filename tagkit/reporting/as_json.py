"""Findings for programs: the JSON of `tagkit lint`, a line a prompt and a line a finding."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from tagkit.clip import CHUNK, count_tokens
from tagkit.packs import shipped_rules
from tagkit.reporting.fitting import fitting_fields
from tagkit.reporting.statistics import Tallies
from tagkit.spans import LineMap, Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tagkit.linting.batch import LintedDocument, LintedPrompt
    from tagkit.linting.diagnostics import Diagnostic
    from tagkit.linting.fitting import Fitting
    from tagkit.linting.linter import Texts

VERSION = 1
SEPARATOR = b",\n"
MIDDLE = b'\n],\n"diagnostics": [\n'
_ENCODER = msgspec.json.Encoder()


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
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Summary(*(mine + theirs for mine, theirs in pairs))

    def less(self, other: Summary) -> Summary:
        """This one without what `other` counts."""
        return self.plus(Summary(*(-count for count in msgspec.structs.astuple(other))))


class _Text(msgspec.Struct, frozen=True):
    text: str
    tokens: int
    limit: int
    chunks: tuple[int, ...]


class _Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    path: str
    line: int
    model: str
    positive: _Text
    negative: _Text | None
    fixed: dict[str, str]
    fit: dict[str, Any] | None = None


class _Edit(msgspec.Struct, frozen=True):
    start: int
    end: int
    text: str


class _Fix(msgspec.Struct, frozen=True):
    title: str
    safety: str
    edits: list[_Edit]


class _Diagnostic(msgspec.Struct, frozen=True, rename={"place": "in"}):
    code: str
    name: str
    severity: str
    message: str
    path: str
    place: str | None
    start: Position
    end: Position
    fix: _Fix | None
    url: str


def as_json(
    linted: Sequence[LintedDocument],
    model: str,
    safely_fixed: Sequence[Sequence[Texts]],
    fittings: Sequence[Sequence[Fitting]] = (),
    *,
    statistics: bool = False,
) -> str:
    """The findings as one JSON document.

    safely_fixed: what safe fixes alone give, per prompt. fittings: the same for what was
    dropped to make prompts fit, nothing unless that was asked for. statistics: whether the
    findings are counted by rule too, and the tags of captions.
    """
    dropped = chain(*fittings)
    prompts = [
        encoded_prompt(prompt, texts, each.document.path, next(dropped, None))
        for each, fixes in zip(linted, safely_fixed, strict=True)
        for prompt, texts in zip(each.prompts, fixes, strict=True)
    ]
    diagnostics: list[bytes] = []
    summary = Summary()
    for each in linted:
        found = list(each.diagnostics())
        diagnostics += encoded_diagnostics(found, each.document.path, each.document.text)
        summary = summary.plus(summary_of(found, len(each.prompts)))
    further = _statistics(linted) if statistics else {}
    parts = (SEPARATOR.join(prompts), MIDDLE, SEPARATOR.join(diagnostics))
    return b"".join((opening(model), *parts, closing(summary, further))).decode()


def opening(model: str) -> bytes:
    """The document up to its first prompt."""
    return b'{"version": %d, "model": %b,\n"prompts": [\n' % (VERSION, _ENCODER.encode(model))


def closing(summary: Summary, further: Mapping[str, object]) -> bytes:
    """The document behind its last diagnostic."""
    members = {"summary": summary, **further}
    texts = [b"%b: %b" % (_ENCODER.encode(k), _ENCODER.encode(v)) for k, v in members.items()]
    return b"\n],\n" + SEPARATOR.join(texts) + b"}\n"


def encoded_prompt(
    prompt: LintedPrompt,
    fixed: Texts,
    path: str,
    fitting: Fitting | None = None,
    start: Start = AT_THE_TOP,
) -> bytes:
    """One item of `prompts`."""
    record, dialect = prompt.record, prompt.report.dialect
    negative = None
    if record.negative is not None:
        negative = _counted(record.negative, dialect, negative=True)
    return _ENCODER.encode(
        _Prompt(
            path,
            record.line + start.lines,
            prompt.model,
            _counted(record.positive, dialect, prompt.report.tokens),
            negative,
            {"positive": fixed.positive, "negative": fixed.negative},
            fitting_fields(fitting) if fitting else None,
        )
    )


def encoded_diagnostics(
    found: Iterable[Diagnostic], path: str, text: str, start: Start = AT_THE_TOP
) -> list[bytes]:
    """Items of `diagnostics` for what was found in `text`, which may be a piece of a file."""
    line_map = LineMap(text)

    def place(offset: int) -> Position:
        within = line_map.position(offset)
        return Position(within.line + start.lines, within.column, offset + start.offset)

    return [
        _ENCODER.encode(
            _Diagnostic(
                each.code,
                each.name,
                each.severity,
                each.message,
                path,
                None if each.where == "comment" else each.where,
                place(each.span.start),
                place(each.span.end),
                _fix(each, start.offset),
                _page(each.name),
            )
        )
        for each in found
    ]


def summary_of(found: Sequence[Diagnostic], prompts: int) -> Summary:
    """Findings of `prompts` prompts, counted."""
    severities: list[str] = [each.severity for each in found]
    safe = sum(each.fix is not None and each.fix.safety == "safe" for each in found)
    errors, warnings, infos = map(severities.count, ("error", "warning", "info"))
    return Summary(prompts, errors, warnings, infos, safe)


def _statistics(linted: Iterable[LintedDocument]) -> dict[str, object]:
    tallies = Tallies()
    for each in linted:
        tallies.add(each)
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


def _fix(each: Diagnostic, offset: int) -> _Fix | None:
    if each.fix is None:
        return None
    edits = [
        _Edit(edit.span.start + offset, edit.span.end + offset, edit.text)
        for edit in each.fix.edits
    ]
    return _Fix(each.fix.title, each.fix.safety, edits)
