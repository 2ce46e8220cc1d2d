"""What was dropped to make prompts fit, for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.batch import LintedDocument
    from tagkit.linting.fitting import Fitting


def fitting_lines(linted: LintedDocument, fittings: Sequence[Fitting]) -> Iterator[str]:
    """For each prompt that is too long what to drop and what each drop saves, in CLIP tokens."""
    path = linted.document.path
    for prompt, fitting in zip(linted.prompts, fittings, strict=True):
        if fitting.before <= fitting.limit:
            continue
        over = "" if fitting.tokens <= fitting.limit else ", and nothing more can go"
        yield (
            f"{path}:{prompt.record.line}: {fitting.before} tokens become {fitting.tokens} "
            f"of {fitting.limit}{over}"
        )
        for drop in fitting.drops:
            yield f"  -{drop.tokens} `{drop.tag}` ({drop.because})"


def fitting_fields(fitting: Fitting) -> dict[str, Any]:
    """The same as JSON fields."""
    drops = [
        {"tag": each.tag, "because": each.because, "tokens": each.tokens} for each in fitting.drops
    ]
    return {
        "limit": fitting.limit,
        "before": fitting.before,
        "tokens": fitting.tokens,
        "text": fitting.text,
        "drops": drops,
    }
