"""Which of the tags that a model writes are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import Ban, ImageCard
from tagkit.clip import count_tokens
from tagkit.errors import UserError
from tagkit.expansion.bans import any_ban, any_of
from tagkit.expansion.placing import rank_of
from tagkit.expansion.recipes import COUNTED, kind_of
from tagkit.prompt import canonical, escaped, parse
from tagkit.typed_yaml import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tagkit.expansion.bans import NameTest
    from tagkit.expansion.placing import Places
    from tagkit.lexicon import Lexicon

CATEGORIES = ("artist", "character", "copyright", "general", "meta")
SEXUAL = "sexual"


class House(msgspec.Struct, frozen=True):
    """What holds for every prompt of a run.

    banned: the user's bans and the card's. unwanted: what else the card speaks against.
    banned_groups, allowed_groups: names of curated groups or of categories.
    """

    card: ImageCard
    lexicon: Lexicon
    banned: Callable[[str], bool]
    unwanted: Callable[[str], bool]
    banned_groups: frozenset[str]
    allowed_groups: frozenset[str]
