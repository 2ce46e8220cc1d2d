"""Patterns of tags: literal names or regular expressions, tested on canonical names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from tagkit.linting.patterns import name_test, without
from tagkit.prompt import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tagkit.cards import Ban, ExpansionBan
    from tagkit.lexicon import Lexicon

NameTest = Callable[[str], bool]

_LITERAL = re.compile(r"[\w \-]+")


class Condition(msgspec.Struct, frozen=True):
    """Tags that are banned beside others: where `when` matches one, `banned` must match none."""

    when: NameTest
    banned: NameTest

    def forbids(self, name: str, said: Collection[str], added: Collection[str]) -> bool:
        """Whether `name` may not be added. said: all names there; added: those not the user's.

        Either of the two may come first, but a tag of the user's own is never held against one
        that would be added.
        """
        return (self.banned(name) and any(map(self.when, said))) or (
            self.when(name) and any(map(self.banned, added))
        )


def conditions(bans: Sequence[ExpansionBan], lexicon: Lexicon) -> tuple[Condition, ...]:
    """Those of the bans that have a condition. Raises UserError for an invalid pattern."""
    return tuple(
        Condition(pattern_test(ban.when, lexicon), any_ban([ban], lexicon))
        for ban in bans
        if ban.when
    )


def own_name(name: str, lexicon: Lexicon) -> str:
    """The name that a canonical name is an alias of, else itself."""
    alias = lexicon.alias(name)
    return alias.of if alias else name


def pattern_test(pattern: str, lexicon: Lexicon) -> NameTest:
    """A test of canonical names; what holds for a name holds for its aliases.

    A pattern that is a known tag in any spelling, or has only letters, digits, spaces, `_` and
    `-`, means that tag; anything else is a regular expression for a whole name, case-insensitive.
    Raises UserError for an invalid one.
    """
    name = own_name(canonical(pattern), lexicon)
    if _LITERAL.fullmatch(pattern) or lexicon.find(name):
        return lambda tag: own_name(tag, lexicon) == name
    test = name_test(pattern)
    return lambda tag: test(tag) or test(own_name(tag, lexicon))


def any_of(patterns: Sequence[str], lexicon: Lexicon) -> NameTest:
    """Whether one of `patterns` matches a name. Raises UserError for an invalid one."""
    tests = [pattern_test(pattern, lexicon) for pattern in patterns]
    return lambda name: any(test(name) for test in tests)


def any_ban(bans: Sequence[Ban], lexicon: Lexicon) -> NameTest:
    """Whether one of a card's bans matches a name that is none of its exceptions."""
    tests = [(pattern_test(ban.pattern, lexicon), ban.excepting) for ban in bans]
    return lambda name: any(test(without(name, excepting)) for test, excepting in tests)
