"""Prompts cut into chunks of 75 tokens as A1111 cuts them."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from tagkit.clip.counts import is_plain, listed_count, pre_tokens, word_count
from tagkit.clip.tokenizer import COMMA, encode
from tagkit.prompt import (
    CAPTIONS,
    and_parts,
    schedule,
    weighted_text,
    without_comments,
    without_networks,
)
from tagkit.prompt.attention import BREAK_WEIGHT, weighted_spans
from tagkit.prompt.plain import is_plain as is_plain_prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHUNK = 75
BACKTRACK = 20  # A1111's "prompt word wrap length limit"
_STEPS = 150  # as many as the webui allows, so that every scheduled text is seen
_OTHER = -1


class Chunk(msgspec.Struct, frozen=True):
    """At most 75 token ids with their weights, without BOS, EOS and padding."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


class Count(msgspec.Struct, frozen=True):
    """CLIP tokens of a prompt.

    total: as A1111 shows it, every chunk but the last counted full. limit: of one chunk.
    chunks: real tokens of each. `str` is A1111's display, such as `76/150`.
    """

    total: int
    limit: int
    chunks: tuple[int, ...]

    @property
    def real(self) -> int:
        """Tokens without padding."""
        return sum(self.chunks)

    def __str__(self) -> str:
        return f"{self.total}/{CHUNK * len(self.chunks)}"


def count_tokens(text: str, dialect: str = "a1111", *, negative: bool = False) -> Count:
    """CLIP tokens of a prompt; weights, LoRA tags and comments are no part of it.

    Like A1111's counter it takes the largest AND part (a negative prompt has none) and the
    largest text of all that scheduling shows. Prompts of other dialects are counted without
    their own weights and cut into A1111's chunks; in captions every sign counts.
    """
    if dialect == CAPTIONS:
        return _count(text, plain=True)
    if dialect != "a1111":
        return _count("".join(part for part, _ in weighted_text(text, dialect)), plain=True)
    if is_plain_prompt(text):
        return _count(text)
    bare = without_networks(without_comments(text))
    parts = [bare] if negative else [part for part, _ in and_parts(bare)]
    texts = {shown for part in parts for _, shown in schedule(part, _STEPS)}
    return max((_count(each) for each in texts), key=lambda count: count.total)


def real_tokens(text: str, dialect: str = "a1111", *, negative: bool = False) -> int:
    """The same without padding, which needs no chunks where the text is a plain list of tags."""
    if is_plain_prompt(text):
        return listed_count(text)
    return count_tokens(text, dialect, negative=negative).real


def prompt_chunks(text: str) -> list[Chunk]:
    """Chunks of one prompt, at least one (an empty prompt has one that is empty).

    Comments and LoRA tags are taken out; AND and scheduling are the caller's to resolve.
    """
    bare = without_networks(without_comments(text))
    return [
        Chunk(tuple(number for number, _ in chunk), tuple(weight for _, weight in chunk))
        for chunk in _cut(weighted_spans(bare, strict=False), encode)[0]
    ]


@lru_cache(maxsize=256)
def _count(text: str, *, plain: bool = False) -> Count:
    """Several rules and the report count the same prompt, so the last counts are kept."""
    if plain or not any(mark in text for mark in ("(", "[", "\\", "BREAK")):
        total = listed_count(text)
        if total <= CHUNK:
            return Count(total, CHUNK, (total,))
    unweighted = plain or is_plain_prompt(text)
    spans = [(text, 1.0)] if unweighted else weighted_spans(text, strict=False)
    chunks, full = _cut(spans, _anonymous)
    sizes = tuple(len(chunk) for chunk in chunks)
    last = 0 if full == len(sizes) else sizes[-1]
    return Count(CHUNK * full + last, CHUNK, sizes)


def _anonymous(text: str) -> Iterable[int]:
    """Tokens of which only commas are told apart; that is enough to count chunks."""
    *tags, last = text.split(", ")
    return chain.from_iterable(map(_marks, [*(f"{tag}," for tag in tags), last]))


@lru_cache(maxsize=1 << 14)
def _marks(text: str) -> tuple[int, ...]:
    if not is_plain(text):
        return tuple(encode(text))
    return tuple(
        COMMA if word == "," else _OTHER
        for word in pre_tokens(text)
        for _ in range(word_count(word))
    )


def _cut(
    spans: list[tuple[str, float]], tokenize: Callable[[str], Iterable[int]]
) -> tuple[list[list[tuple[int, float]]], int]:
    """A1111's chunks, and how many of them it counts as full: all but a last one left open.

    A chunk that overflows hands what stands behind its last comma on to the next.
    """
    chunks: list[list[tuple[int, float]]] = []
    chunk: list[tuple[int, float]] = []
    comma: int | None = None
    for span, weight in spans:
        if span == "BREAK" and weight == BREAK_WEIGHT:
            chunks.append(chunk)
            chunk, comma = [], None
            continue
        for number in tokenize(span):
            if number == COMMA:
                comma = len(chunk)
            if len(chunk) == CHUNK:
                keep = CHUNK
                if number != COMMA and comma is not None and CHUNK - comma <= BACKTRACK:
                    keep = comma + 1
                chunks.append(chunk[:keep])
                chunk, comma = chunk[keep:], None
            chunk.append((number, weight))
    full = len(chunks)
    if chunk or not chunks:
        chunks.append(chunk)
    return chunks, full
