"""Prompts to what the UNet reads, as A1111 does it for SDXL.

Texts are cut into chunks of 75 tokens (`tagkit.clip`). Each chunk goes through both text encoders
by itself; the last hidden layer but one of each is taken, multiplied by the tokens' weights, and
brought back to the mean that it had before (the "Original" emphasis; "No norm" leaves it). The
chunks stand one behind
the other, the encoders side by side. The pooled vector is that of the first chunk.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch

from tagkit.clip import BOS, CHUNK, EOS, Chunk, prompt_chunks
from tagkit.errors import UserError
from tagkit.rendering.embeddings import load_inversion
from tagkit.rendering.guidance import USUAL

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from tagkit.rendering.guidance import Guidance, Part, Reading

_REMEMBERED = 256
_INVERSIONS = 64
_SDXL_LAYER = 2
_NONE: Mapping[str, Tensor] = MappingProxyType({})
NO_FILES: Mapping[str, Path] = MappingProxyType({})
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
    """Reads texts with the two text encoders of SDXL; remembers what it has read.

    files: where the files of embeddings lie, by their SHA-256. state: whatever has been done to
    the weights of the encoders; what was read in another state is not taken for this one.
    """

    def __init__(self, first: Any, second: Any, files: Mapping[str, Path] = NO_FILES) -> None:
        self._encoders = (Encoder(first, EOS), Encoder(second, 0))
        self._files = files
        self._inversion = lru_cache(_INVERSIONS)(load_inversion)
        self._encoded = lru_cache(_REMEMBERED)(self._encode)
        self.state: Hashable = ()

    def positive(self, guidance: Guidance, step: int) -> list[tuple[Encoded, float]]:
        """Every AND part with its weight, as it stands at `step`."""
        longest = max(part.chunks for part in guidance.positive)
        return [
            (self._part(part, step, longest, guidance), part.weight) for part in guidance.positive
        ]

    def negative(self, guidance: Guidance, step: int) -> Encoded:
        """The negative prompt at `step`; one that is empty throughout is zero, as SDXL learnt."""
        part = guidance.negative
        encoded = self._part(part, step, part.chunks, guidance)
        if any(text for _, text in part.texts):
            return encoded
        return Encoded(*(torch.zeros_like(tensor) for tensor in encoded))

    def _part(self, part: Part, step: int, longest: int, guidance: Guidance) -> Encoded:
        """Filled to the longest AND part with the last vector, from there with empty chunks."""
        encoded = self._encoded(part.at(step), part.chunks, guidance.reading, self.state)
        last = encoded.context[-1:].expand((longest - part.chunks) * (CHUNK + 2), -1)
        empty = self._encoded("", 1, _bare(guidance.reading), self.state).context
        filling = [empty] * (guidance.chunks - longest)
        return Encoded(torch.cat([encoded.context, last, *filling]), encoded.pooled)

    def _encode(self, text: str, chunks: int, reading: Reading, _state: Hashable) -> Encoded:
        cut = prompt_chunks(text, reading.vectors)
        cut += [_EMPTY] * (chunks - len(cut))
        tables = self._tables({name for chunk in cut for _, name in chunk.inserted}, reading)
        rows = [
            [
                read_chunk(encoder, chunk, reading, table)
                for encoder, table in zip(self._encoders, tables, strict=True)
            ]
            for chunk in cut
        ]
        context = torch.cat([torch.cat([hidden for hidden, _ in row], -1) for row in rows])
        _, pooled = rows[0][-1]
        return Encoded(context, pooled)

    def _tables(self, names: set[str], reading: Reading) -> list[dict[str, Tensor]]:
        """The vectors of each named embedding, for each encoder."""
        found = {
            each.name: self._inversion(self._files[each.digest or ""])
            for each in reading.embeddings
            if each.name in names
        }
        return [{name: its[side] for name, its in found.items()} for side in range(2)]


def read_chunk(
    encoder: Encoder, chunk: Chunk, reading: Reading = USUAL, vectors: Mapping[str, Tensor] = _NONE
) -> tuple[Tensor, Tensor]:
    """One chunk through one encoder: weighted hidden states (77, width), and the pooled vector.

    vectors: of each embedding, (n, width). The first encoder of SDXL has no projection, hence no
    pooled vector that counts.
    """
    network = encoder.network
    tokens = torch.tensor([token_ids(chunk, encoder.fill)], device=network.device)
    with _inserted(network, chunk, vectors):
        output = network(tokens, output_hidden_states=True)
    hidden = output.hidden_states[-(reading.clip_skip or _SDXL_LAYER)][0].float()
    weights = torch.ones(len(hidden), device=hidden.device)
    weights[1 : len(chunk.weights) + 1] = torch.tensor(chunk.weights, device=hidden.device)
    pooled = output.get("text_embeds", output[0][:, 0])
    weighted = _emphasised(hidden, weights, keep_mean=reading.emphasis == "original")
    return weighted.to(network.dtype), pooled[0]


@contextmanager
def _inserted(network: Any, chunk: Chunk, vectors: Mapping[str, Tensor]) -> Iterator[None]:
    """Within it the network sees the vectors of embeddings in place of tokens."""
    if not chunk.inserted:
        yield
        return

    def insert(_module: Any, _tokens: Any, embedded: Tensor) -> Tensor:
        embedded = embedded.clone()
        for place, name in chunk.inserted:
            rows = vectors[name].to(embedded)
            embedded[0, place + 1 : place + 1 + len(rows)] = rows
        return embedded

    table = network.get_input_embeddings()
    for name, rows in vectors.items():
        if rows.shape[-1] != table.embedding_dim:
            raise UserError(f"the embedding `{name}` was made for another kind of model")
    handle = table.register_forward_hook(insert)
    try:
        yield
    finally:
        handle.remove()


def token_ids(chunk: Chunk, fill: int) -> list[int]:
    """BOS, the chunk, EOS, and `fill` up to 77 tokens."""
    ids = [BOS, *chunk.ids, EOS]
    return ids + [fill] * (CHUNK + 2 - len(ids))


def _bare(reading: Reading) -> Reading:
    """For a text without words, so that it is read once whatever embeddings others name."""
    return msgspec.structs.replace(reading, embeddings=())


def _emphasised(hidden: Tensor, weights: Tensor, *, keep_mean: bool) -> Tensor:
    """Weighted, then scaled back to the mean of before if that is to be kept."""
    if bool((weights == 1).all()):
        return hidden
    weighted = hidden * weights[:, None]
    return weighted * (hidden.mean() / weighted.mean()) if keep_mean else weighted
