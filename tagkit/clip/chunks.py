"""Prompts cut into chunks of 75 tokens as A1111 cuts them."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from tagkit.clip.counts import ends_in_comma, is_plain, listed_count, pre_tokens, word_count
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
    from collections.abc import Callable, Iterable, Iterator, Sequence

CHUNK = 75
BACKTRACK = 20  # A1111's "prompt word wrap length limit"
_STEPS = 150  # as many as the webui allows, so that every scheduled text is seen
_OTHER = -1


# Textual inversions by the names that prompts call them, with how many vectors each has.
Vectors: TypeAlias = tuple[tuple[str, int], ...]


class Chunk(msgspec.Struct, frozen=True):
    """At most 75 token ids with their weights, without BOS, EOS and padding.

    inserted: where vectors of textual inversions stand instead, and whose; the ids there are 0.
    """

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    inserted: tuple[tuple[int, str], ...] = ()


class _Inserted(NamedTuple):
    """A textual inversion among tokens."""

    name: str
    vectors: int


_Token: TypeAlias = "int | _Inserted"


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


@lru_cache(maxsize=1 << 12)  # several rules count the same prompt, and the report does
def count_tokens(
    text: str, dialect: str = "a1111", *, negative: bool = False, embeddings: Vectors = ()
) -> Count:
    """CLIP tokens of a prompt; weights, LoRA tags and comments are no part of it.

    Like A1111's counter it takes the largest AND part (a negative prompt has none) and the
    largest text of all that scheduling shows. Prompts of other dialects are counted without
    their own weights and cut into A1111's chunks; in captions every sign counts.
    embeddings: textual inversions that count as many tokens as they have vectors, in a1111.
    """
    if dialect == CAPTIONS:
        return _count(text, plain=True)
    if dialect != "a1111":
        return _count("".join(part for part, _ in weighted_text(text, dialect)), plain=True)
    said = tuple(each for each in embeddings if each[0].lower() in text.lower())
    if is_plain_prompt(text):
        return _count(text, embeddings=said)
    bare = without_networks(without_comments(text))
    parts = [bare] if negative else [part for part, _ in and_parts(bare)]
    texts = {shown for part in parts for _, shown in schedule(part, _STEPS)}
    return max((_count(each, embeddings=said) for each in texts), key=lambda count: count.total)


def real_tokens(text: str, dialect: str = "a1111", *, negative: bool = False) -> int:
    """The same without padding, which needs no chunks where the text is a plain list of tags."""
    if is_plain_prompt(text):
        return listed_count(text)
    return count_tokens(text, dialect, negative=negative).real


def comma_stands_alone(tag: str) -> bool:
    """Whether the comma behind a tag is a token of its own: signs may swallow it."""
    return _marks(f"{tag},")[-1] == COMMA


def chunk_sizes(tokens: int, commas: Sequence[int]) -> list[int]:
    """Tokens of each chunk of a text that has so many. commas: where they stand, first to last.

    A chunk that overflows hands what stands behind its last comma on to the next, if that is
    little enough.
    """
    sizes, at = [], 0
    while tokens - at > CHUNK:
        end = at + CHUNK
        last = bisect_right(commas, end) - 1
        comma = commas[last] if last >= 0 else -1
        cut = comma + 1 if end - BACKTRACK <= comma < end else end
        sizes.append(cut - at)
        at = cut
    return [*sizes, tokens - at]


def prompt_chunks(text: str, embeddings: Vectors = ()) -> list[Chunk]:
    """Chunks of one prompt, at least one (an empty prompt has one that is empty).

    Comments and LoRA tags are taken out; AND and scheduling are the caller's to resolve.
    embeddings: textual inversions whose names are to be read as such.
    """
    bare = without_networks(without_comments(text))
    return [
        _chunk(each) for each in _cut(weighted_spans(bare, strict=False), _reader(embeddings))[0]
    ]


def caption_chunks(text: str) -> list[Chunk]:
    """Chunks of one caption, in which every sign is a letter; at least one."""
    return [_chunk(each) for each in _cut([(text, 1.0)], encode)[0]]


def _chunk(tokens: list[tuple[_Token, float]]) -> Chunk:
    return Chunk(
        tuple(token if isinstance(token, int) else 0 for token, _ in tokens),
        tuple(weight for _, weight in tokens),
        tuple(
            (place, token.name)
            for place, (token, _) in enumerate(tokens)
            if isinstance(token, _Inserted)
        ),
    )


def _count(text: str, *, plain: bool = False, embeddings: Vectors = ()) -> Count:
    simple = plain or not any(mark in text for mark in ("(", "[", "\\", "BREAK"))
    if simple and not embeddings:
        total = listed_count(text)
        if total <= CHUNK:
            return Count(total, CHUNK, (total,))
    unweighted = plain or is_plain_prompt(text)
    spans = [(text, 1.0)] if unweighted else weighted_spans(text, strict=False)
    if embeddings:
        chunks, full = _cut(spans, _reader(embeddings))
        sizes = [len(chunk) for chunk in chunks]
    else:
        sizes, full = _sizes(spans)
    last = 0 if full == len(sizes) else sizes[-1]
    return Count(CHUNK * full + last, CHUNK, tuple(sizes))


def _reader(embeddings: Vectors) -> Callable[[str], Iterable[_Token]]:
    """Finds names of textual inversions by their tokens, the longest first, as A1111 does."""
    named = [(encode(name), _Inserted(name, vectors)) for name, vectors in embeddings]
    longest_first = sorted((each for each in named if each[0]), key=lambda each: -len(each[0]))
    return partial(_with_embeddings, longest_first) if longest_first else encode


def _with_embeddings(named: list[tuple[list[int], _Inserted]], text: str) -> Iterator[_Token]:
    ids, at = encode(text), 0
    while at < len(ids):
        found = next(((name, its) for name, its in named if ids[at : at + len(name)] == name), None)
        yield found[1] if found else ids[at]
        at += len(found[0]) if found else 1


def _anonymous(text: str) -> Iterable[int]:
    """Tokens of which only commas are told apart; that is enough to count chunks."""
    *tags, last = text.split(", ")
    return chain.from_iterable(map(_marks, [*(f"{tag}," for tag in tags), last]))


@lru_cache(maxsize=1 << 14)
def _marks(text: str) -> tuple[int, ...]:
    if not is_plain(text):
        return tuple(encode(text))
    return tuple(chain.from_iterable(map(_marks_of_word, pre_tokens(text))))


def _marks_of_word(word: str) -> Iterable[int]:
    """A run of signs with a comma in it (`^_^,`) may or may not hold the comma's own token."""
    count = word_count(word)
    if word.endswith(",") and ends_in_comma(word):
        return (*(_OTHER,) * (count - 1), COMMA)
    return (_OTHER,) * count


def _sizes(spans: list[tuple[str, float]]) -> tuple[list[int], int]:
    """How long the chunks are that `_cut` makes, and how many of them it counts as full.

    For that no token but the comma needs to be known.
    """
    sections: list[list[int]] = [[]]
    for span, weight in spans:
        if span == "BREAK" and weight == BREAK_WEIGHT:
            sections.append([])
        else:
            sections[-1] += _anonymous(span)
    *ended, last = sections
    full = [size for section in ended for size in _sizes_of(section)]
    if full and not last:
        return full, len(full)
    sizes = [*full, *_sizes_of(last)]
    return sizes, len(sizes) - 1


def _sizes_of(marks: Sequence[int]) -> list[int]:
    return chunk_sizes(len(marks), [at for at, mark in enumerate(marks) if mark == COMMA])


def _cut(
    spans: list[tuple[str, float]], tokenize: Callable[[str], Iterable[_Token]]
) -> tuple[list[list[tuple[_Token, float]]], int]:
    """A1111's chunks, and how many of them it counts as full: all but a last one left open.

    A chunk that overflows hands what stands behind its last comma on to the next. A textual
    inversion that does not fit begins the next one. It stands for all its vectors: zeros follow.
    """
    chunks: list[list[tuple[_Token, float]]] = []
    chunk: list[tuple[_Token, float]] = []
    comma: int | None = None
    for span, weight in spans:
        if span == "BREAK" and weight == BREAK_WEIGHT:
            chunks.append(chunk)
            chunk, comma = [], None
            continue
        for token in tokenize(span):
            if token == COMMA:
                comma = len(chunk)
            if len(chunk) == CHUNK:
                keep = CHUNK
                if token != COMMA and comma is not None and CHUNK - comma <= BACKTRACK:
                    keep = comma + 1
                chunks.append(chunk[:keep])
                chunk, comma = chunk[keep:], None
            if isinstance(token, int):
                chunk.append((token, weight))
                continue
            if len(chunk) + token.vectors > CHUNK:
                chunks.append(chunk)
                chunk, comma = [], None
            chunk += [(token, weight)] + [(0, weight)] * (token.vectors - 1)
    full = len(chunks)
    if chunk or not chunks:
        chunks.append(chunk)
    return chunks, full
