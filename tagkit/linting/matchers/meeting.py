"""What a rule on several tags makes of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable


class Meeting(NamedTuple):
    """What a tag is to the rule, and what of other tags it would be found beside.

    A rule can find something in a prompt of plain tags only where what one tag is, another one (or
    itself) must not meet. Of the others only those that say so bear on what it finds in those.
    """

    own: frozenset[Hashable]
    against: frozenset[Hashable]
    bears: bool = False
