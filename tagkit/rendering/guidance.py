"""What a prompt says at each step, before any network reads it. Needs no torch."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from tagkit.clip import Vectors, prompt_chunks
from tagkit.prompt import and_parts, schedule, without_comments, without_networks
from tagkit.rendering.job import Embedding


class Reading(msgspec.Struct, frozen=True):
    """How texts are read, beside their words.

    emphasis: `original` keeps the mean of a weighted text, `no-norm` does not. clip_skip: how many
    layers from its end a text encoder is left, None for SDXL's own 2.
    """

    emphasis: str = "original"
    clip_skip: int | None = None
    embeddings: tuple[Embedding, ...] = ()

    @property
    def vectors(self) -> Vectors:
        """The embeddings as CLIP's chunks count them."""
        return tuple((each.name, each.vectors) for each in self.embeddings)


USUAL = Reading()


class Part(msgspec.Struct, frozen=True):
    """One of the prompts that AND parts: its weight, and its text up to each step."""

    weight: float
    texts: tuple[tuple[int, str], ...]
    vectors: Vectors = ()

    def at(self, step: int) -> str:
        """The text at `step`, counted from 0.

        A1111 compares its steps from 0 with ends that count from 1, so `[a:b:5]` shows `a` six
        times; its pictures are kept, and so is this.
        """
        return next((text for until, text in self.texts if step <= until), self.texts[-1][1])

    @property
    def chunks(self) -> int:
        """CLIP chunks of the longest text."""
        return max(chunk_count(text, self.vectors) for _, text in self.texts)


class Guidance(msgspec.Struct, frozen=True):
    """A prompt and a negative prompt, both `chunks` chunks of 75 tokens long."""

    positive: tuple[Part, ...]
    negative: Part
    chunks: int
    reading: Reading = USUAL


def guidance(
    prompt: str, negative: str, steps: int, after: int = 0, reading: Reading = USUAL
) -> Guidance:
    """The guidance of one picture. Only the prompt is parted by AND, as in A1111.

    after: steps of the first pass, if this is the hires pass.
    """
    bare = without_networks(without_comments(prompt))
    against = without_networks(without_comments(negative))
    parts = [*and_parts(bare), (against, 1.0)]
    *positive, last = (
        Part(weight, tuple(schedule(text, steps, after)), reading.vectors) for text, weight in parts
    )
    return Guidance(tuple(positive), last, max(part.chunks for part in (*positive, last)), reading)


@lru_cache(maxsize=4096)
def chunk_count(text: str, vectors: Vectors = ()) -> int:
    """CLIP chunks of one text, at least one."""
    return len(prompt_chunks(text, vectors))
