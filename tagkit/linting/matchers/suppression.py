"""Suppressions that suppress nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context, Unused
    from tagkit.packs import Rule


def unused_suppressions(context: Context, rule: Rule) -> Iterator[Finding]:
    """Codes of comments that find nothing in any prompt that the comment stands for.

    The fix takes them out of the comment, and the comment with the last of them.
    """
    for each in context.unused:
        codes = ", ".join(f"`{code}`" for code in each.codes)
        variant = "found" if len(each.codes) == 1 else "several"
        span = each.suppression.span
        yield Finding("comment", span, {"codes": codes}, variant, (_without(each),))


def _without(unused: Unused) -> Edit:
    kept = [code for code in unused.suppression.codes if code not in unused.codes]
    if kept:
        return Edit(unused.suppression.span, ", ".join(kept))
    return Edit(unused.suppression.line, "")
