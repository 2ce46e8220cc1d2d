"""Prompts completed with a tag model."""

from __future__ import annotations

from secrets import randbelow
from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import image_card
from tagkit.data import DEFAULT_CARD
from tagkit.errors import UserError
from tagkit.expansion.bans import any_ban, any_of, conditions
from tagkit.expansion.judging import HouseRules, Ledger
from tagkit.expansion.options import Options
from tagkit.expansion.placing import places
from tagkit.expansion.recipes import COUNTED, model_text, tags_of, without
from tagkit.expansion.reviewing import Reviewer
from tagkit.expansion.rows import Refusal, Request
from tagkit.expansion.tag_model import TagModel, find_tag_model, load_tag_model
from tagkit.lexicon import lexicon_for
from tagkit.prompt import canonical, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.cards import ImageCard, TagCard
    from tagkit.expansion.rows import Draft
    from tagkit.lexicon import Lexicon

SEEDS = 2**31  # a drawn seed is below


class Length(msgspec.Struct, frozen=True):
    """The length asked for, the people counts and general tags it means, and those there are."""

    target: str
    minimum: int
    reached: int


class Clip(msgspec.Struct, frozen=True):
    """CLIP tokens of the completed prompt, and how many it may have; None is any number."""

    tokens: int
    limit: int | None


class Expansion(msgspec.Struct, frozen=True):
    """One prompt, completed.

    added: canonical names in the order in which the model wrote them. refused: what it wrote and
    did not get, and why: banned, group, category, repeated, implied, over-budget, card or safety.
    model: the tag model. ended: what ended the list: the model itself (end), a full prompt (full),
    the limit of new tokens or of refusals (tokens, refusals), or that nothing was left (nothing).
    """

    input: str
    prompt: str
    added: tuple[str, ...]
    refused: tuple[Refusal, ...]
    length: Length
    clip: Clip
    seed: int
    temperature: float
    model: str
    ended: str = ""


class Wish(msgspec.Struct, frozen=True):
    """A prompt to complete with a seed. aspect: its picture's width by height, else the run's."""

    prompt: str
    seed: int
    aspect: float | None = None


class Expander:
    """Cards and options made ready for any number of prompts.

    Raises UserError for an option that makes no sense, before any model is needed.
    """

    def __init__(
        self,
        image: ImageCard,
        tag_card: TagCard,
        options: Options,
        dialect: str = "a1111",
        lexicon: Lexicon | None = None,
    ) -> None:
        lexicon = lexicon or lexicon_for()
        self._layout = tag_card.layout
        self._dialect = dialect
        self._sampling = options.sampling(image, tag_card)
        self._length, self._target = options.target(image, tag_card)
        self._limit = options.token_limit(image)
        self._aspect = options.aspect(image)
        self._told = options.header()
        self._hidden = any_of(options.hide, lexicon)
        self._rules = _house_rules(image, options, lexicon, Reviewer(image, dialect, lexicon))

    def is_unsafe(self, prompt: str) -> bool:
        """Whether the prompt breaks a safety rule; such a prompt is not completed."""
        return self._rules.reviewer.is_unsafe(prompt)

    def expand(self, model: TagModel, wishes: Sequence[Wish]) -> list[Expansion]:
        """An expansion for each wish, in order; what is wished beside it changes none of them.

        Raises UserError for an unsafe prompt.
        """
        ledgers = [self._ledger(wish.prompt) for wish in wishes]
        drafts = model.drafts(
            [
                Request(model.ids(self._text(wish)), wish.seed, ledger)
                for wish, ledger in zip(wishes, ledgers, strict=True)
            ],
            self._sampling,
        )
        return [
            self._expansion(wish, ledger, draft, model.name)
            for wish, ledger, draft in zip(wishes, ledgers, drafts, strict=True)
        ]

    def _ledger(self, text: str) -> Ledger:
        if self.is_unsafe(text):
            raise unsafe_prompt(text)
        prompt = parse(text, self._dialect)
        tags = tags_of(prompt, self._rules.lexicon)
        counted = sum(len(tags.get(kind, ())) for kind in COUNTED)
        return Ledger(
            self._rules,
            places(prompt, self._rules.card, self._rules.lexicon),
            frozenset(tag.name for tag in prompt.tags),
            self._target.minimum - counted,
            self._target.spare,
            self._limit,
        )

    def _text(self, wish: Wish) -> str:
        tags = tags_of(parse(wish.prompt, self._dialect), self._rules.lexicon)
        shown = without(tags, self._hidden) | self._told
        return model_text(shown, wish.aspect or self._aspect, self._target, self._layout)

    def _expansion(self, wish: Wish, ledger: Ledger, draft: Draft, model: str) -> Expansion:
        refused = {Refusal(canonical(each.tag), each.because): None for each in draft.refused}
        minimum = self._target.minimum
        return Expansion(
            wish.prompt,
            ledger.text,
            tuple(ledger.added),
            tuple(refused),
            Length(self._length, minimum, minimum - ledger.missing),
            Clip(ledger.tokens, self._limit),
            wish.seed,
            self._sampling.temperature,
            model,
            draft.ended,
        )


def expand(
    prompts: str | Sequence[str],
    tag_model: str | TagModel | None = None,
    *,
    model: str | ImageCard = DEFAULT_CARD,
    temperature: float | None = None,
    length: str | None = None,
    ban: str | Sequence[str] = (),
    seed: int | None = None,
    variations: int = 1,
    device: str = "auto",
    dialect: str = "a1111",
    options: Options | None = None,
) -> list[Expansion]:
    """Complete prompts with a tag model: expansions in the order of the prompts.

    tag_model: name of a card, folder, Hugging Face id, or a loaded model; default: what the card
    of the image `model` names. temperature: 0 to 5, 0 always takes the likeliest token. length:
    very-short, short, long or very-long. ban: patterns of tags that are not added. seed: drawn if
    None; the k-th of several `variations` uses seed + k. options: all that can be asked for; the
    arguments before it win. Raises UserError, also for an unsafe prompt.
    """
    image = image_card(model) if isinstance(model, str) else model
    if not isinstance(tag_model, TagModel):
        source = find_tag_model(tag_model or image.expand.tag_model, named_by_user=bool(tag_model))
    card = tag_model.card if isinstance(tag_model, TagModel) else source.card
    bans = (ban,) if isinstance(ban, str) else tuple(ban)
    given = {"temperature": temperature, "length": length, "ban": bans}
    changed = {name: value for name, value in given.items() if value not in (None, ())}
    asked = msgspec.structs.replace(options or Options(), **changed)
    expander = Expander(image, card, asked, dialect)
    loaded = tag_model if isinstance(tag_model, TagModel) else load_tag_model(source, device)
    first = randbelow(SEEDS) if seed is None else seed
    texts = [prompts] if isinstance(prompts, str) else prompts
    wishes = [Wish(text, first + step) for text in texts for step in range(variations)]
    return expander.expand(loaded, wishes)


def unsafe_prompt(prompt: str) -> UserError:
    """The error for a prompt that a safety rule refuses."""
    return UserError(
        "this prompt is not completed: it breaks a safety rule", prompt, "tagkit explain SAF101"
    )


def _house_rules(
    image: ImageCard, options: Options, lexicon: Lexicon, reviewer: Reviewer
) -> HouseRules:
    counts = options.card_bans
    bans = options.bans(image)
    banned_groups, allowed_groups = options.groups(lexicon)
    return HouseRules(
        image,
        lexicon,
        any_ban([ban for ban in bans if not ban.when], lexicon),
        conditions(bans, lexicon),
        banned_groups,
        allowed_groups,
        any_ban(image.prompt.discouraged if counts else (), lexicon),
        image.prompt.overfit if counts else (),
        reviewer,
    )
