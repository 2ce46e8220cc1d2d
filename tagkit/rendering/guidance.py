"""What a prompt says at each step, before any network reads it. Needs no torch."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from tagkit.clip import prompt_chunks
from tagkit.prompt import and_parts, schedule, without_comments, without_networks


class Part(msgspec.Struct, frozen=True):
    """One of the prompts that AND parts: its weight, and its text up to each step."""

    weight: float
    texts: tuple[tuple[int, str], ...]

    def at(self, step: int) -> str:
        """The text at `step`, counted from 0.

        A1111 compares its steps from 0 with ends that count from 1, so `[a:b:5]` shows `a` six
        times; its pictures are kept, and so is this.
        """
        return next((text for until, text in self.texts if step <= until), self.texts[-1][1])

    @property
    def chunks(self) -> int:
        """CLIP chunks of the longest text."""
        return max(chunk_count(text) for _, text in self.texts)


class Guidance(msgspec.Struct, frozen=True):
    """A prompt and a negative prompt, both `chunks` chunks of 75 tokens long."""

    positive: tuple[Part, ...]
    negative: Part
    chunks: int


def guidance(prompt: str, negative: str, steps: int, after: int = 0) -> Guidance:
    """The guidance of one picture. Only the prompt is parted by AND, as in A1111.

    after: steps of the first pass, if this is the hires pass.
    """
    bare = without_networks(without_comments(prompt))
    positive = tuple(_part(text, weight, steps, after) for text, weight in and_parts(bare))
    against = _part(without_networks(without_comments(negative)), 1.0, steps, after)
    return Guidance(positive, against, max(part.chunks for part in (*positive, against)))


@lru_cache(maxsize=4096)
def chunk_count(text: str) -> int:
    """CLIP chunks of one text, at least one."""
    return len(prompt_chunks(text))


def _part(text: str, weight: float, steps: int, after: int) -> Part:
    return Part(weight, tuple(schedule(text, steps, after)))
