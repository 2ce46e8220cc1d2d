"""The closed set of matchers: what a rule file may name as its `kind`.

A matcher is a function of the context and the rule; it yields findings and knows no rule by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.matchers.base_negative import missing_base_negative
from tagkit.linting.matchers.brackets import unbalanced_brackets
from tagkit.linting.matchers.discouraged import discouraged_tags
from tagkit.linting.matchers.length import over_length
from tagkit.linting.matchers.order import out_of_order
from tagkit.linting.matchers.overfit import missing_overfit
from tagkit.linting.matchers.parentheses import unescaped_parentheses
from tagkit.linting.matchers.ranges import out_of_range
from tagkit.linting.matchers.repeated import repeated_tags
from tagkit.linting.matchers.weights import malformed_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Finding
    from tagkit.packs import Rule

    Matcher = Callable[[Context, Rule], Iterator[Finding]]

MATCHERS: Mapping[str, Matcher] = {
    "base-negative": missing_base_negative,
    "discouraged": discouraged_tags,
    "length": over_length,
    "malformed-weight": malformed_weights,
    "order": out_of_order,
    "out-of-range": out_of_range,
    "overfit": missing_overfit,
    "repeated": repeated_tags,
    "unbalanced-bracket": unbalanced_brackets,
    "unescaped-parentheses": unescaped_parentheses,
}
