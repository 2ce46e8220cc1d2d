"""Captions to what the UNet reads, many at once and, where that is trained, with gradients.

What comes out is what the renderer reads of the same text: chunks of 75 tokens, the last layer but
one of both encoders side by side, the pooled vector of the first chunk. A caption that was left out
is zero, as SDXL learnt and A1111 draws.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch

from tagkit.clip import EOS, Chunk, caption_chunks, prompt_chunks
from tagkit.rendering.conditioning import Encoded, token_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torch import Tensor

_LAYER = -2
_REMEMBERED = 1 << 14
_CHUNK_TOKENS = 75
_EMPTY = Chunk((), ())


class Tokens(NamedTuple):
    """A batch of captions.

    first, second: ids for each encoder, (n * chunks, 77). left_out: which captions are, (n,).
    weights: of the tokens, None where all are 1.
    """

    first: Tensor
    second: Tensor
    left_out: Tensor
    weights: Tensor | None

    def to(self, device: torch.device) -> Tokens:
        """The same on a device."""
        return Tokens(*(None if each is None else each.to(device) for each in self))


def tokens_of(captions: Sequence[str], *, weighted: bool, most: int) -> Tokens:
    """Captions as tokens, filled with empty chunks to the longest.

    weighted: read as A1111 reads prompts. most: tokens of a caption, beyond which it is cut.
    """
    cut = [_chunks(caption, weighted)[: most // _CHUNK_TOKENS] for caption in captions]
    longest = max(map(len, cut))
    chunks = [chunk for each in cut for chunk in (*each, *[_EMPTY] * (longest - len(each)))]
    return Tokens(
        torch.tensor([token_ids(chunk, EOS) for chunk in chunks]),
        torch.tensor([token_ids(chunk, 0) for chunk in chunks]),
        torch.tensor([not caption for caption in captions]),
        _weights_of(chunks) if weighted else None,
    )


def _weights_of(chunks: Sequence[Chunk]) -> Tensor | None:
    if all(weight == 1 for chunk in chunks for weight in chunk.weights):
        return None
    weights = torch.ones(len(chunks), _CHUNK_TOKENS + 2)
    for row, chunk in zip(weights, chunks, strict=True):
        row[1 : len(chunk.weights) + 1] = torch.tensor(chunk.weights)
    return weights


@lru_cache(_REMEMBERED)
def _chunks(caption: str, weighted: bool) -> tuple[Chunk, ...]:
    return tuple(prompt_chunks(caption) if weighted else caption_chunks(caption))


def encoded(first: Any, second: Any, tokens: Tokens) -> Encoded:
    """A batch of captions through both encoders: context (n, tokens, width), pooled (n, width)."""
    count = len(tokens.left_out)
    one = first(tokens.first, output_hidden_states=True).hidden_states[_LAYER]
    other = second(tokens.second, output_hidden_states=True)
    hidden = [_weighted(each, tokens.weights) for each in (one, other.hidden_states[_LAYER])]
    context = torch.cat(hidden, -1).unflatten(0, (count, -1)).flatten(1, 2)
    keep = (~tokens.left_out).to(context.dtype)
    return Encoded(
        context * keep[:, None, None],
        other.text_embeds.unflatten(0, (count, -1))[:, 0] * keep[:, None],
    )


def _weighted(hidden: Tensor, weights: Tensor | None) -> Tensor:
    """As the renderer does it: weighted, then brought back to the mean of each chunk before."""
    if weights is None:
        return hidden
    weighted = hidden * weights[..., None].to(hidden.dtype)
    means = [each.float().mean((1, 2), keepdim=True) for each in (hidden, weighted)]
    return (weighted * (means[0] / means[1])).to(hidden.dtype)
