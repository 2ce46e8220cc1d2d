"""The loop on a random LLaMA, and the filters beside those of transformers."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from letters import LETTERS, VOCABULARY, Judge, random_llama  # noqa: E402
from transformers.generation import logits_process as processors  # noqa: E402

from tagkit.expansion.decoding import decode, grow  # noqa: E402
from tagkit.expansion.rows import Draft, Limits, Request, Row, Sampling  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import LlamaForCausalLM

SAMPLINGS = [
    Sampling(1.0, 1.0, 0),
    Sampling(0.0),
    Sampling(0.8, 0.9, 5),
    Sampling(1.0, 1.0, 0, 0.1),
    Sampling(1.0, repetition_penalty=1.3),
]
SHORT = Limits(new_tokens=120, tag_tokens=6)


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    return random_llama()


def requests(count: int) -> list[Request]:
    """Prompts of all lengths; half of all short tags is banned."""
    banned = [*LETTERS[::2], *(a + b for a in LETTERS[::2] for b in LETTERS)]
    prompts = [(0, *Random(seed).choices(range(2, 11), k=seed % 7)) for seed in range(count)]
    return [Request(prompt, seed, Judge(banned, 6)) for seed, prompt in enumerate(prompts)]


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_cache_changes_nothing(llama: LlamaForCausalLM, sampling: Sampling) -> None:
    """The same as reading the whole text anew for every token, and no text is read twice."""
    slowly = [read_anew(llama, request, sampling) for request in requests(12)]
    assert decode(llama, VOCABULARY, requests(12), sampling, SHORT) == slowly
    assert sum(len(draft.refused) for draft in slowly) > 5


def read_anew(llama: LlamaForCausalLM, request: Request, sampling: Sampling) -> Draft:
    row = Row(request, VOCABULARY, SHORT, greedy=sampling.temperature == 0)
    read: set[tuple[int, ...]] = set()
    with torch.inference_mode():
        while not row.ended:
            assert tuple(row.ids) not in read
            read.add(tuple(row.ids))
            logits = llama(torch.tensor([row.ids])).logits[:, -1]
            grow([row], logits, sampling, VOCABULARY)
            row.advance()
    return row.draft()


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_row_does_not_depend_on_its_neighbours(
    llama: LlamaForCausalLM, sampling: Sampling
) -> None:
    together = decode(llama, VOCABULARY, requests(12), sampling, SHORT)
    for place in (0, 3, 11):
        alone = decode(llama, VOCABULARY, [requests(12)[place]], sampling, SHORT)
        assert alone == [together[place]]
    assert decode(llama, VOCABULARY, requests(12)[::-1], sampling, SHORT) == together[::-1]


@pytest.mark.parametrize("sampling", [SAMPLINGS[0], SAMPLINGS[2]])
def test_in_single_precision_a_batch_of_sixteen_gives_the_same_tags(
    llama: LlamaForCausalLM, sampling: Sampling
) -> None:
    single = random_llama().float()
    together = decode(single, VOCABULARY, requests(16), sampling, SHORT)
    alone = [decode(single, VOCABULARY, [each], sampling, SHORT)[0] for each in requests(16)]
    assert together == alone


@given(
    st.lists(st.floats(-8, 8), min_size=3, max_size=11, unique=True),
    st.lists(st.integers(0, 2), max_size=3),
    st.sampled_from([0.3, 1.0, 1.7]),
    st.sampled_from([0.2, 0.8, 1.0]),
    st.integers(0, 12),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.sampled_from([1.0, 1.2]),
)
def test_filters_are_those_of_transformers(
    values: list[float],
    written: list[int],
    temperature: float,
    top_p: float,
    top_k: int,
    min_p: float,
    penalty: float,
) -> None:
    sampling = Sampling(temperature, top_p, top_k, min_p, penalty)
    logits = torch.tensor([values], dtype=torch.float64)
    theirs = logits.clone()
    for filter_ in (
        processors.RepetitionPenaltyLogitsProcessor(penalty),
        processors.TemperatureLogitsWarper(temperature),
        processors.TopKLogitsWarper(top_k or len(values)),
        processors.TopPLogitsWarper(top_p),
        processors.MinPLogitsWarper(min_p),
    ):
        theirs = filter_(torch.tensor([[*written, 0]]), theirs)
    expected = dict(enumerate(theirs[0].softmax(0).tolist()))
    row = Reader([*written, 0])
    grow([row], logits, sampling, VOCABULARY)
    assert dict.fromkeys(expected, 0.0) | row.open == pytest.approx(expected, abs=1e-9)


class Reader:
    """What `grow` needs of a row, and what it is handed."""

    must_go_on = False

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = ids
        self.open: dict[int, float] = {}

    def grow(self, ids: Sequence[int], shares: Sequence[float], _: object) -> None:
        self.open = dict(zip(ids, shares, strict=True))
