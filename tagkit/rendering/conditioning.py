"""Prompts to what the UNet reads, as A1111 does it for SDXL.

Texts are cut into chunks of 75 tokens (`tagkit.clip`). Each chunk goes through both text encoders
by itself; the last hidden layer but one of each is taken, multiplied by the tokens' weights, and
brought back to the mean that it had before (the "Original" emphasis). The chunks stand one behind
the other, the encoders side by side. The pooled vector is that of the first chunk.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from tagkit.clip import BOS, CHUNK, EOS, Chunk, prompt_chunks

if TYPE_CHECKING:
    from torch import Tensor

    from tagkit.rendering.guidance import Guidance, Part

_REMEMBERED = 256
_EMPTY = Chunk((), ())


class Encoded(NamedTuple):
    """A text: `context` (tokens, width of both encoders), `pooled` (width of the second)."""

    context: Tensor
    pooled: Tensor


class Encoder(NamedTuple):
    """A CLIP text encoder, and the token that fills a chunk behind its end token.

    A1111 fills with the end token for the first encoder of SDXL and with 0 for the second.
    """

    network: Any
    fill: int


class Conditioner:
    """Reads texts with the two text encoders of SDXL; remembers what it has read."""

    def __init__(self, first: Any, second: Any) -> None:
        self._encoders = (Encoder(first, EOS), Encoder(second, 0))
        self._encoded = lru_cache(_REMEMBERED)(self._encode)

    def positive(self, guidance: Guidance, step: int) -> list[tuple[Encoded, float]]:
        """Every AND part with its weight, as it stands at `step`."""
        longest = max(part.chunks for part in guidance.positive)
        return [
            (self._part(part, step, longest, guidance.chunks), part.weight)
            for part in guidance.positive
        ]

    def negative(self, guidance: Guidance, step: int) -> Encoded:
        """The negative prompt at `step`; one that is empty throughout is zero, as SDXL learnt."""
        part = guidance.negative
        encoded = self._part(part, step, part.chunks, guidance.chunks)
        if any(text for _, text in part.texts):
            return encoded
        return Encoded(*(torch.zeros_like(tensor) for tensor in encoded))

    def _part(self, part: Part, step: int, longest: int, chunks: int) -> Encoded:
        """Filled to the longest AND part with the last vector, from there with empty chunks."""
        encoded = self._encoded(part.at(step), part.chunks)
        last = encoded.context[-1:].expand((longest - part.chunks) * (CHUNK + 2), -1)
        empty = self._encoded("", 1).context
        filling = [empty] * (chunks - longest)
        return Encoded(torch.cat([encoded.context, last, *filling]), encoded.pooled)

    def _encode(self, text: str, chunks: int) -> Encoded:
        cut = prompt_chunks(text)
        cut += [_EMPTY] * (chunks - len(cut))
        rows = [[read_chunk(encoder, chunk) for encoder in self._encoders] for chunk in cut]
        context = torch.cat([torch.cat([hidden for hidden, _ in row], -1) for row in rows])
        _, pooled = rows[0][-1]
        return Encoded(context, pooled)


def read_chunk(encoder: Encoder, chunk: Chunk) -> tuple[Tensor, Tensor]:
    """One chunk through one encoder: weighted hidden states (77, width), and the pooled vector.

    The first encoder of SDXL has no projection, hence no pooled vector that counts.
    """
    network = encoder.network
    tokens = torch.tensor([token_ids(chunk, encoder.fill)], device=network.device)
    output = network(tokens, output_hidden_states=True)
    hidden = output.hidden_states[-2][0].float()
    weights = torch.ones(len(hidden), device=hidden.device)
    weights[1 : len(chunk.weights) + 1] = torch.tensor(chunk.weights, device=hidden.device)
    pooled = output.get("text_embeds", output[0][:, 0])
    return _emphasised(hidden, weights).to(network.dtype), pooled[0]


def token_ids(chunk: Chunk, fill: int) -> list[int]:
    """BOS, the chunk, EOS, and `fill` up to 77 tokens."""
    ids = [BOS, *chunk.ids, EOS]
    return ids + [fill] * (CHUNK + 2 - len(ids))


def _emphasised(hidden: Tensor, weights: Tensor) -> Tensor:
    """Weighted, then scaled back to the mean of before."""
    if bool((weights == 1).all()):
        return hidden
    weighted = hidden * weights[:, None]
    return weighted * (hidden.mean() / weighted.mean())
