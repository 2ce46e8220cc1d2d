"""The closed set of matchers: what a rule file may name as its `kind`.

A matcher is a function of the context and the rule; it yields findings and knows no rule by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.matchers.base_negative import heeded_by_none, missing_base_negative
from tagkit.linting.matchers.both_prompts import tags_in_both
from tagkit.linting.matchers.brackets import bracket_errors
from tagkit.linting.matchers.discouraged import discouraged_tags
from tagkit.linting.matchers.exclusive import exclusive_meeting, exclusive_tags
from tagkit.linting.matchers.extremes import extreme_weights
from tagkit.linting.matchers.foreign import foreign_dialect
from tagkit.linting.matchers.implied import implied_meeting, implied_tags
from tagkit.linting.matchers.installed import (
    loras_without_trigger,
    missing_embeddings,
    missing_loras,
    missing_wildcard_files,
)
from tagkit.linting.matchers.length import CUT, LENGTH, cut_by_chunk, over_length
from tagkit.linting.matchers.listed import listed_tags
from tagkit.linting.matchers.order import ORDER, out_of_order
from tagkit.linting.matchers.overfit import OVERFIT, asked_for, missing_overfit
from tagkit.linting.matchers.parentheses import unescaped_parentheses
from tagkit.linting.matchers.punctuation import empty_segments, full_width_punctuation
from tagkit.linting.matchers.ranges import out_of_range
from tagkit.linting.matchers.repeated import REPEATED, repeated_tags
from tagkit.linting.matchers.spelling import aliases, unknown_tags
from tagkit.linting.matchers.suppression import unused_suppressions
from tagkit.linting.matchers.together import never_together, together_meeting
from tagkit.linting.matchers.underscores import underscores
from tagkit.linting.matchers.unsupported import unsupported_meeting, unsupported_subjects
from tagkit.linting.matchers.weights import malformed_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Finding
    from tagkit.linting.matchers.meeting import Meeting
    from tagkit.packs import Rule

    Matcher = Callable[[Context, Rule], Iterator[Finding]]

MATCHERS: Mapping[str, Matcher] = {
    "alias": aliases,
    "base-negative": missing_base_negative,
    "bracket-error": bracket_errors,
    CUT: cut_by_chunk,
    "discouraged": discouraged_tags,
    "empty-segment": empty_segments,
    "exclusive": exclusive_tags,
    "extreme-weight": extreme_weights,
    "foreign-dialect": foreign_dialect,
    "full-width": full_width_punctuation,
    "implied": implied_tags,
    "in-both-prompts": tags_in_both,
    LENGTH: over_length,
    "listed": listed_tags,
    "lora-without-trigger": loras_without_trigger,
    "malformed-weight": malformed_weights,
    "missing-embedding": missing_embeddings,
    "missing-lora": missing_loras,
    "missing-wildcard": missing_wildcard_files,
    "never-together": never_together,
    ORDER: out_of_order,
    "out-of-range": out_of_range,
    OVERFIT: missing_overfit,
    REPEATED: repeated_tags,
    "underscore": underscores,
    "unescaped-parentheses": unescaped_parentheses,
    "unknown": unknown_tags,
    "unsupported": unsupported_subjects,
    "unused-suppression": unused_suppressions,
}

# They find something in a negative prompt that is not there; what of a positive tag they heed.
OF_WHAT_IS_MISSING: Mapping[str, Callable[[str, Rule, Knowledge], frozenset[Hashable]]] = {
    "base-negative": heeded_by_none,
    OVERFIT: asked_for,
}

# What these find in a prompt of plain tags they find in one of the tags alone.
ALONE: frozenset[str] = frozenset(
    {
        "alias",
        "bracket-error",
        "discouraged",
        "empty-segment",
        "extreme-weight",
        "foreign-dialect",
        "full-width",
        "listed",
        "lora-without-trigger",
        "malformed-weight",
        "missing-embedding",
        "missing-lora",
        "missing-wildcard",
        "underscore",
        "unknown",
        "unescaped-parentheses",
    }
)

# These find nothing in words that single blanks part.
OF_SIGNS: frozenset[str] = frozenset(
    {
        "bracket-error",
        "empty-segment",
        "foreign-dialect",
        "full-width",
        "lora-without-trigger",
        "malformed-weight",
        "missing-embedding",
        "missing-lora",
        "missing-wildcard",
        "underscore",
        "unescaped-parentheses",
    }
)

# What a tag is to a rule on several tags, and which others it would be found beside.
MEETINGS: Mapping[str, Callable[[str, Rule, Knowledge], Meeting]] = {
    "exclusive": exclusive_meeting,
    "implied": implied_meeting,
    "never-together": together_meeting,
    "unsupported": unsupported_meeting,
}

# Of a prompt of plain tags these need its tags alone, all but `order` only those of their concern.
# Their fixes, but for that of `order`, rewrite the tag that something is found in, or take it out.
OF_TAGS: frozenset[str] = frozenset(
    {"alias", "discouraged", "listed", ORDER, REPEATED, "underscore", "unknown", *MEETINGS}
)
