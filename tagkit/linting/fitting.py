"""Prompts made to fit a token budget: what to drop, why, and what each drop saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.clip import real_tokens
from tagkit.lexicon import lexicon_for
from tagkit.linting.classify import Knowledge
from tagkit.linting.diagnostics import apply_edits
from tagkit.linting.editing import removal
from tagkit.linting.expendable import expendable_tags
from tagkit.linting.tables import implications
from tagkit.prompt import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tagkit.lexicon import Lexicon
    from tagkit.linting.batch import LintedDocument
    from tagkit.prompt import Prompt

IMPLICATIONS = "tables/implications.tsv"


class Drop(msgspec.Struct, frozen=True):
    """A tag taken out, the group (or `implied`) that made it go, and the CLIP tokens it saves."""

    tag: str
    because: str
    tokens: int


class Fitting(msgspec.Struct, frozen=True):
    """A prompt after its drops; `tokens` are those of `text`, above `limit` if nothing helps."""

    text: str
    before: int
    tokens: int
    limit: int
    drops: tuple[Drop, ...]


def fit(
    text: str,
    dialect: str,
    limit: int,
    knowledge: Knowledge,
    implied: Mapping[str, frozenset[str]],
) -> Fitting:
    """Drops tags of `text` until it has at most `limit` real CLIP tokens.

    They go in the order of `expendable_tags`; implied: a tag to all that it says.
    """
    before = tokens = _tokens(text, dialect)
    drops: list[Drop] = []
    while tokens > limit:
        found = _next(parse(text, dialect), tokens, knowledge, implied)
        if found is None:
            break
        text, drop = found
        tokens -= drop.tokens
        drops.append(drop)
    return Fitting(text, before, tokens, limit, tuple(drops))


def fit_document(
    linted: LintedDocument, limit: int, lexicon: Lexicon | None = None
) -> tuple[LintedDocument, tuple[Fitting, ...]]:
    """The document with the fixed positive prompts made to fit, and what that did to each."""
    known: dict[str, Knowledge] = {}
    implied = implications(IMPLICATIONS)
    prompts, fittings = [], []
    for prompt in linted.prompts:
        report = prompt.report
        fixed, dialect = report.fixed, report.dialect
        name = report.card.name
        known[name] = known.get(name) or Knowledge(report.card, lexicon or lexicon_for())
        fitting = fit(fixed.positive, dialect, limit, known[name], implied)
        fixed = msgspec.structs.replace(fixed, positive=fitting.text)
        report = msgspec.structs.replace(report, fixed=fixed)
        prompts.append(msgspec.structs.replace(prompt, report=report))
        fittings.append(fitting)
    return msgspec.structs.replace(linted, prompts=tuple(prompts)), tuple(fittings)


def _next(
    prompt: Prompt, tokens: int, knowledge: Knowledge, implied: Mapping[str, frozenset[str]]
) -> tuple[str, Drop] | None:
    """The least important tag that can go and saves something, and the text without it."""
    for tag, because in expendable_tags(prompt, knowledge, implied):
        edit = removal(prompt, tag)
        if edit is None:
            continue
        text = apply_edits(prompt.text, [edit])
        saved = tokens - _tokens(text, prompt.dialect)
        if saved > 0:
            return text, Drop(tag.name, because, saved)
    return None


def _tokens(text: str, dialect: str) -> int:
    return real_tokens(text, dialect)
