"""Whole documents: every record linted, and the text as the fixes leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.documents import NEGATIVE, Document, Record
from tagkit.linting.diagnostics import Diagnostic, Edit, apply_edits
from tagkit.linting.linter import Linter, Report, unused_suppressions
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class LintedPrompt(msgspec.Struct, frozen=True):
    """One record of a document with its report; `model` it was judged by, and who named that."""

    record: Record
    model: str
    model_source: str
    report: Report


class LintedDocument(msgspec.Struct, frozen=True):
    """A document with the reports of all its records, and what is to say of its comments."""

    document: Document
    prompts: tuple[LintedPrompt, ...]
    comments: tuple[Diagnostic, ...] = ()

    def diagnostics(self) -> Iterator[Diagnostic]:
        """All findings, each that is to be said once a document only the first time."""
        said: set[str] = set()
        for prompt in self.prompts:
            for each in prompt.report.diagnostics:
                if each.once and each.code in said:
                    continue
                said |= {each.code} if each.once else set()
                yield each
        yield from self.comments


def lint_document(
    document: Document, linter_for: Callable[[Record], tuple[str, str, Linter]]
) -> LintedDocument:
    """Lints every record with what `linter_for` gives for it: model, who named it, linter."""
    prompts = []
    said: set[str] = set()
    for record in document.records:
        model, source, linter = linter_for(record)
        report = linter.lint(record, said)
        said.update([each.code for each in report.diagnostics if each.once])
        prompts.append(LintedPrompt(record, model, source, report))
    unused = unused_suppressions([(each.record, each.report) for each in prompts])
    return LintedDocument(document, tuple(prompts), linter.comments(unused) if unused else ())


def fixed_text(linted: LintedDocument, *, add_negative: bool) -> str:
    """The document's text as its reports' fixes leave it; bytes beside the records are kept.

    A negative prompt is added to a prompt without one if it is the only one, or if asked for.
    """
    document = linted.document
    adds = add_negative or len(linted.prompts) == 1
    edits = [edit for prompt in linted.prompts for edit in _edits(prompt, document, adds)]
    edits += [edit for each in linted.comments if each.fix for edit in each.fix.edits]
    return apply_edits(document.text, edits)


def _edits(prompt: LintedPrompt, document: Document, adds_negative: bool) -> Iterator[Edit]:
    record, fixed = prompt.record, prompt.report.fixed
    if fixed.positive != record.positive:
        yield Edit(record.positive_span, fixed.positive)
    if record.negative_span and fixed.negative != record.negative:
        yield Edit(record.negative_span, fixed.negative)
    elif record.negative is None and fixed.negative and adds_negative:
        yield _added_line(record, document, fixed.negative)
    if record.settings_span and fixed.settings != record.settings:
        yield Edit(record.settings_span, fixed.settings)


def _added_line(record: Record, document: Document, negative: str) -> Edit:
    """A negative line behind the prompt; a blank line parts it from a prompt on the next line."""
    end = record.positive_span.end
    newline = "\r\n" if "\r\n" in document.text else "\n"
    rest = document.text[end:]
    line_end = len(rest) - len(rest.lstrip(" \t"))
    following = rest[line_end:].removeprefix(newline)
    parted = not following.strip() or following.startswith(("\n", "\r", "---", "Steps:"))
    return Edit(
        Span(end + line_end, end + line_end),
        f"{newline}{NEGATIVE} {negative}" + ("" if parted else newline),
    )
