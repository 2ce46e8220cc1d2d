"""Tag patterns of cards and packs: they match a whole canonical name, whatever its case."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_SECONDS = 1.0

_SIMPLE = re.compile(r"(\.\*)?([\w '\-]+)(\.\*)?")


@lru_cache(maxsize=4096)
def name_test(pattern: str, rule: str = "") -> Callable[[str], bool]:
    """A test of canonical names. Raises UserError for a pattern that is no regular expression.

    rule: the code of the rule that the pattern belongs to, for errors.
    """
    simple = _SIMPLE.fullmatch(pattern)
    if simple:
        return _simple_test(bool(simple[1]), simple[2].lower(), bool(simple[3]))
    return _regex_test(pattern, f"{rule}: " if rule else "")


def without(name: str, phrases: tuple[str, ...]) -> str:
    """What is left of a canonical name but for phrases that a pattern must not catch."""
    for phrase in phrases:
        name = name.replace(phrase, "")
    return name


def _simple_test(open_start: bool, word: str, open_end: bool) -> Callable[[str], bool]:
    """Words and `.*word.*` need no regular expression, and no import of its engine."""
    if open_start and open_end:
        return lambda name: word in name
    if open_start:
        return lambda name: name.endswith(word)
    if open_end:
        return lambda name: name.startswith(word)
    return lambda name: name == word


def _regex_test(pattern: str, owner: str) -> Callable[[str], bool]:
    import regex

    try:
        compiled = regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        raise UserError(f"{owner}`{pattern}` is no valid pattern", str(error)) from error

    def test(name: str) -> bool:
        try:
            return compiled.fullmatch(name, timeout=TIMEOUT_SECONDS) is not None
        except TimeoutError as error:
            raise UserError(
                f"{owner}pattern `{pattern}` does not come to an end on `{name}`", "", "simplify it"
            ) from error

    return test
