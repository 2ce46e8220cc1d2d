"""Patterns of tags: literal names or regular expressions, tested on canonical names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tagkit.linting.patterns import name_test, without
from tagkit.prompt import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.cards import Ban
    from tagkit.lexicon import Lexicon

NameTest = Callable[[str], bool]

_LITERAL = re.compile(r"[\w \-]+")


def pattern_test(pattern: str, lexicon: Lexicon) -> NameTest:
    """A test of canonical names.

    A pattern that is a known tag in any spelling, or has only letters, digits, spaces, `_` and
    `-`, means that tag; anything else is a regular expression for a whole name, case-insensitive.
    Raises UserError for an invalid one.
    """
    name = canonical(pattern)
    if _LITERAL.fullmatch(pattern) or lexicon.find(name):
        return name.__eq__
    return name_test(pattern)


def any_of(patterns: Sequence[str], lexicon: Lexicon) -> NameTest:
    """Whether one of `patterns` matches a name. Raises UserError for an invalid one."""
    tests = [pattern_test(pattern, lexicon) for pattern in patterns]
    return lambda name: any(test(name) for test in tests)


def any_ban(bans: Sequence[Ban], lexicon: Lexicon) -> NameTest:
    """Whether one of a card's bans matches a name that is none of its exceptions."""
    tests = [(pattern_test(ban.pattern, lexicon), ban.excepting) for ban in bans]
    return lambda name: any(test(without(name, excepting)) for test, excepting in tests)
