"""What the matchers look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.linting.classify import Knowledge
from tagkit.linting.diagnostics import TEXTS, Where
from tagkit.prompt import CAPTIONS, Prompt, parse
from tagkit.prompt.captions import kept_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.cards import ImageCard
    from tagkit.documents import Suppression
    from tagkit.packs import Rule
    from tagkit.spans import Span


class Unused(NamedTuple):
    """A suppression, and those of its codes that suppress nothing in any prompt it stands for."""

    suppression: Suppression
    codes: tuple[str, ...]


class Context(msgspec.Struct, frozen=True, gc=False):
    """One prompt in all its texts, and what is known of its checkpoint and of tags.

    negative: an empty prompt where `has_negative` is false. settings: the settings line, or "".
    knowledge: of tag names in the eyes of the card. keep_tokens: first tags of a caption that stay
    as they are. texts: those to judge. unused: suppressions of a document that suppress nothing.
    """

    positive: Prompt
    negative: Prompt
    settings: str
    knowledge: Knowledge
    has_negative: bool
    keep_tokens: int = 0
    texts: frozenset[Where] = frozenset(TEXTS)
    unused: tuple[Unused, ...] = ()

    @staticmethod
    def of(where: Where, said: Prompt, knowledge: Knowledge) -> Context:
        """A prompt that is nothing but `said`, in one place (positive or negative)."""
        nothing = parse("", said.dialect)
        if where == "negative":
            return Context(nothing, said, "", knowledge, True)
        return Context(said, nothing, "", knowledge, False)

    @property
    def card(self) -> ImageCard:
        """The checkpoint's card; without a name for a model that tagkit does not know."""
        return self.knowledge.card

    @property
    def kept(self) -> tuple[Span, ...]:
        """What of the positive text no fix changes: of a caption what a trainer keeps."""
        if self.positive.dialect != CAPTIONS:
            return ()
        return kept_spans(self.positive.text, self.keep_tokens)

    def prompts(self, rule: Rule) -> Iterator[tuple[Where, Prompt]]:
        """The prompts that `rule` looks at, with where they stand."""
        if "positive" in rule.looks_at and "positive" in self.texts:
            yield "positive", self.positive
        if "negative" in rule.looks_at and self.has_negative:
            yield "negative", self.negative

    def text(self, where: Where) -> str:
        """One of the three texts as written."""
        if where == "settings":
            return self.settings
        return self.positive.text if where == "positive" else self.negative.text

    def with_text(self, where: Where, text: str) -> Context:
        """The same prompt with one of its texts changed."""
        changed = text if where == "settings" else parse(text, self.positive.dialect)
        return msgspec.structs.replace(self, **{where: changed})
