"""Exact CLIP token counts and A1111's chunks of 75."""

from __future__ import annotations

from tagkit.clip.chunks import (
    CHUNK,
    Chunk,
    Count,
    Vectors,
    caption_chunks,
    chunk_sizes,
    comma_stands_alone,
    count_tokens,
    prompt_chunks,
    real_tokens,
)
from tagkit.clip.counts import text_count
from tagkit.clip.tokenizer import BOS, EOS, encode

__all__ = [
    "BOS",
    "CHUNK",
    "EOS",
    "Chunk",
    "Count",
    "Vectors",
    "caption_chunks",
    "chunk_sizes",
    "comma_stands_alone",
    "count_tokens",
    "encode",
    "prompt_chunks",
    "real_tokens",
    "text_count",
]
