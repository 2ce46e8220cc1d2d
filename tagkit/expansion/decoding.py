"""Decoding with refusals: many rows, one cache, nothing computed twice.

Each row writes tags; whenever one is finished it is judged. A refused tag is taken out of the
model's distribution (see `refusals`), its tokens in the cache are hidden, and the row goes back to
the place where the tag began, where the distribution is still known. When the row has found a tag,
the room of those refused before it is used again. Each row draws from a random stream of its own,
so a row does not depend on the rows beside it.
"""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING

import torch
from transformers import DynamicCache, LlamaModel

from tagkit.expansion.rows import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import LlamaForCausalLM

    from tagkit.expansion.rows import (
        Candidates,
        Draft,
        Limits,
        Request,
        Sampling,
        Vocabulary,
        Widen,
    )

BLOCK = 128  # cache columns made ready behind a prompt
# What the network calls its cache; transformers has given it another name.
CACHE = "cache" if "cache" in signature(LlamaModel.forward).parameters else "past_key_values"


def decode(
    network: LlamaForCausalLM,
    vocabulary: Vocabulary,
    requests: Sequence[Request],
    sampling: Sampling,
    limits: Limits,
) -> list[Draft]:
    """One draft a request, in their order; all requests run as one batch."""
    greedy = sampling.temperature == 0
    rows = [Row(request, vocabulary, limits, greedy=greedy) for request in requests]
    with torch.inference_mode():
        _run(network, vocabulary, [row for row in rows if not row.ended], sampling)
    return [row.draft() for row in rows]


def _run(
    network: LlamaForCausalLM, vocabulary: Vocabulary, active: list[Row], sampling: Sampling
) -> None:
    """Lets the rows read and draw until all have ended."""
    batch = Batch(network, [row.text for row in active])
    logits = batch.read_prompts() if active else torch.empty(0)
    while active:
        grow(active, logits, sampling, vocabulary)
        drawn = [row.advance() for row in active]
        kept = [place for place, token in enumerate(drawn) if token is not None]
        batch.keep(kept)
        active = [active[place] for place in kept]
        if active:
            logits = batch.read([token for token in drawn if token is not None], active)


def candidates(logits: Tensor, sampling: Sampling) -> list[Candidates]:
    """Token ids, ascending, with their probabilities: one pair a row of `logits` (rows, tokens).

    Filters apply in the order of transformers: temperature, top-k, top-p, min-p.
    """
    count = min(sampling.top_k or logits.shape[-1], logits.shape[-1])
    values, ids = logits.topk(count)
    scaled = values.cpu().double() / (sampling.temperature or 1.0)
    found = torch.isfinite(scaled)
    probabilities = torch.where(found, scaled.softmax(-1), 0.0)
    above = probabilities.cumsum(-1) - probabilities
    probabilities[above >= sampling.top_p] = 0.0
    probabilities[probabilities < sampling.min_p * probabilities[:, :1]] = 0.0
    return [_ascending(*pair) for pair in zip(ids.tolist(), probabilities.tolist(), strict=True)]


def _ascending(ids: list[int], probabilities: list[float]) -> Candidates:
    """By token id: near ties must not change places from one batch to another."""
    pairs = sorted(pair for pair in zip(ids, probabilities, strict=True) if pair[1] > 0.0)
    total = sum(probability for _, probability in pairs)
    return [token for token, _ in pairs], [probability / total for _, probability in pairs]


def grow(rows: Sequence[Row], logits: Tensor, sampling: Sampling, vocabulary: Vocabulary) -> None:
    """Hand each row what may follow its newest token."""
    if sampling.repetition_penalty != 1:
        _penalise(logits, rows, sampling.repetition_penalty)
    for place, row in enumerate(rows):
        if row.must_go_on:
            logits[place, list(vocabulary.ends)] = -torch.inf
    for row, own, (ids, shares) in zip(rows, logits, candidates(logits, sampling), strict=True):
        row.grow(ids, shares, _widening(own, sampling))


def _widening(logits: Tensor, sampling: Sampling) -> Widen:
    """The filters laid anew over what they had kept back; `logits` of one row are used up."""

    def widen(tried: Sequence[int]) -> Candidates:
        logits[list(tried)] = -torch.inf
        return candidates(logits[None], sampling)[0]

    return widen


def _penalise(logits: Tensor, rows: Sequence[Row], penalty: float) -> None:
    for own, row in zip(logits, rows, strict=True):
        seen = torch.tensor(sorted(set(row.ids)), device=logits.device)
        values = own[seen]
        own[seen] = torch.where(values > 0, values / penalty, values * penalty)


class Batch:
    """A network reading several texts at once: prompts padded on the left, then token by token.

    Rows with the same prompt read it once. Behind the prompts the cache has slots: each row says
    where its next token goes and which it sees.
    """

    def __init__(self, network: LlamaForCausalLM, prompts: Sequence[Sequence[int]]) -> None:
        self._network = network
        self._device = network.device
        self._cache = SlotCache()
        different = list(dict.fromkeys(map(tuple, prompts)))
        self._copies = torch.tensor([different.index(tuple(prompt)) for prompt in prompts])
        width = max((len(prompt) for prompt in different), default=0)
        padded = [[0] * (width - len(prompt)) + list(prompt) for prompt in different]
        filled = [[False] * (width - len(prompt)) + [True] * len(prompt) for prompt in different]
        self._prompts = torch.tensor(padded, dtype=torch.long)
        self._filled = torch.tensor(filled, dtype=torch.bool)

    def read_prompts(self) -> Tensor:
        """Logits behind each prompt, (rows, tokens)."""
        width = self._prompts.shape[1]
        causal = torch.ones(width, width, dtype=torch.bool).tril()
        itself = torch.eye(width, dtype=torch.bool)  # padding must see something, or it is NaN
        visible = self._filled[:, None] & causal | itself
        positions = (self._filled.cumsum(-1) - 1).clamp(min=0)
        logits = self._logits(self._prompts, positions, visible)
        self._take(self._copies)
        return logits[self._copies]

    def read(self, tokens: Sequence[int], rows: Sequence[Row]) -> Tensor:
        """Logits behind one more token a row, (rows, tokens)."""
        slots = max(len(row.seen) for row in rows)
        joined = bytearray().join(row.seen.ljust(slots, b"\0") for row in rows)
        seen = torch.frombuffer(joined, dtype=torch.bool).view(len(rows), slots)
        width = self._filled.shape[1]
        columns = torch.tensor([width + row.slot for row in rows])
        self._cache.aim(columns.to(self._device), width + slots)
        positions = torch.tensor([[row.position] for row in rows])
        visible = torch.cat([self._filled, seen], dim=1)[:, None]
        return self._logits(torch.tensor(tokens)[:, None], positions, visible)

    def keep(self, places: Sequence[int]) -> None:
        """Drop all rows but those at `places`."""
        if len(places) < len(self._filled):
            self._take(torch.tensor(places, dtype=torch.long))

    def _take(self, places: Tensor) -> None:
        self._filled = self._filled[places]
        self._cache.take(places.to(self._device))

    def _logits(self, tokens: Tensor, positions: Tensor, visible: Tensor) -> Tensor:
        """tokens and positions: (rows, new columns); visible: (rows, new columns, columns)."""
        read = self._network.model(
            input_ids=tokens.to(self._device),
            position_ids=positions.to(self._device),
            attention_mask=visible[:, None].to(self._device),
            use_cache=True,
            **{CACHE: self._cache},
        )
        logits: Tensor = self._network.lm_head(read.last_hidden_state[:, -1])
        return logits


class SlotCache(DynamicCache):  # type: ignore[misc]
    """Keys and values in buffers with room, written at a column that each row chooses.

    The library's own caches copy everything at every token, and all rows write at the same column.
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[Tensor] = []  # a layer each: (rows, heads, columns with room, size)
        self._values: list[Tensor] = []
        self._columns: Tensor | None = None  # none while prompts are read
        self._width = 0

    def aim(self, columns: Tensor, width: int) -> None:
        """The next token goes to these columns, one a row; the network reads the first `width`."""
        self._columns, self._width = columns, width

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Store what a layer made of the newest tokens and return all; called by the network."""
        if self._columns is None:
            self._keys.append(key_states)
            self._values.append(value_states)
            return key_states, value_states
        keys = self._keys[layer_idx] = _with_room(self._keys[layer_idx], self._width)
        values = self._values[layer_idx] = _with_room(self._values[layer_idx], self._width)
        rows = torch.arange(len(keys), device=keys.device)
        keys[rows, :, self._columns] = key_states[:, :, 0]
        values[rows, :, self._columns] = value_states[:, :, 0]
        return keys[:, :, : self._width], values[:, :, : self._width]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Columns that hold something before the newest tokens do."""
        return self._width

    def take(self, places: Tensor) -> None:
        """Make the rows those at `places`, in this order; a row may be taken several times."""
        self._keys = [keys.index_select(0, places) for keys in self._keys]
        self._values = [values.index_select(0, places) for values in self._values]


def _with_room(buffer: Tensor, width: int) -> Tensor:
    """`buffer`, or a copy with at least `width` columns; new ones hold zeros, not NaN."""
    rows, heads, room, size = buffer.shape
    if room >= width:
        return buffer
    larger = buffer.new_zeros(rows, heads, max(2 * room, width + BLOCK), size)
    larger[:, :, :room] = buffer
    return larger
