"""What becomes of a caption each time that its picture is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from tagkit.cards import Captions

# sd-scripts' `keep_tokens_separator`, as it is commonly set.
KEPT = "|||"
_COMMA = ", "


def is_fixed(captions: Captions) -> bool:
    """Whether a caption is always read as it is or not at all."""
    return not (captions.shuffle or captions.tag_dropout)


def drawn_caption(caption: str, captions: Captions, random: Random) -> str:
    """One reading of a caption; empty if it is left out.

    The first `keep_tokens` tags stay; where `|||` stands, what is before it stays, and what comes
    after a second one.
    """
    if captions.dropout and random.random() < captions.dropout:
        return ""
    head, tags, tail = _parted(caption, captions.keep_tokens)
    if captions.shuffle:
        random.shuffle(tags)
    if captions.tag_dropout:
        tags = [tag for tag in tags if random.random() >= captions.tag_dropout]
    return _COMMA.join([*head, *tags, *tail])


def plain_caption(caption: str) -> str:
    """A caption that is read as it is: its tags without the marks of those that stay."""
    return _COMMA.join(part for each in _parted(caption, 0) for part in each)


def _parted(caption: str, keep: int) -> tuple[list[str], list[str], list[str]]:
    """Tags that stay in front, tags that may move, tags that stay behind."""
    if KEPT in caption:
        head, _, rest = caption.partition(KEPT)
        middle, _, tail = rest.partition(KEPT)
        return _tags(head), _tags(middle), _tags(tail)
    tags = _tags(caption)
    return tags[:keep], tags[keep:], []


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]
