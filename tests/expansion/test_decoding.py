"""The loop, on a hand-made model whose distribution over tags is known, and on a random LLaMA."""

from __future__ import annotations

from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tagkit.expansion.decoding import candidates, decode, grow  # noqa: E402
from tagkit.expansion.rows import Limits, Refusal, Request, Row, Sampling, Vocabulary  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import LlamaForCausalLM

    from tagkit.expansion.rows import Draft

# Token ids: 0 begins, 1 ends, 2 is the comma, then letters.
LETTERS = "abcdefgh"
COMMA, END = 2, 1


def text_of(ids: Sequence[int]) -> str:
    return "".join("," if each == COMMA else LETTERS[each - 3] for each in ids if each > 1)


VOCABULARY = Vocabulary(frozenset({END}), frozenset({COMMA}), frozenset({COMMA}), text_of)
PLAIN = Sampling(temperature=1.0, top_p=1.0, top_k=0)


class Judge:
    """Refuses tags by name; wants so many others."""

    full = False

    def __init__(self, banned: Sequence[str] = (), wanted: int = 0) -> None:
        self.banned = banned
        self.missing = wanted

    def __call__(self, tag: str) -> str | None:
        if tag in self.banned:
            return "banned"
        self.missing -= 1
        return None


class Markov:
    """A network that knows one thing: what follows a token."""

    device = torch.device("cpu")

    def __init__(self, follows: dict[str, dict[str, float]]) -> None:
        self.table = torch.full((len(LETTERS) + 3, len(LETTERS) + 3), -torch.inf)
        for token, next_ in follows.items():
            for other, share in next_.items():
                self.table[number(token), number(other)] = torch.tensor(share).log()
        self.table[0] = self.table[COMMA]

    def model(self, input_ids: torch.Tensor, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=torch.nn.functional.one_hot(input_ids, 11).float())

    def lm_head(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.table[hidden.argmax(-1)].clone()


def number(token: str) -> int:
    return {",": COMMA, "$": END}.get(token) or LETTERS.index(token) + 3


def markov(network: Markov, judges: Sequence[Judge], sampling: Sampling = PLAIN) -> list[Draft]:
    requests = [Request((0,), seed, judge) for seed, judge in enumerate(judges)]
    return decode(network, VOCABULARY, requests, sampling, Limits())


# Tags and their probabilities: a 0.12, ab 0.28, b 0.3, c 0.15, cb 0.15.
TAGS = {"a": 0.12, "ab": 0.28, "b": 0.3, "c": 0.15, "cb": 0.15}
FIVE_TAGS = {
    ",": {"a": 0.4, "b": 0.3, "c": 0.3},
    "a": {",": 0.1, "$": 0.2, "b": 0.7},
    "b": {",": 0.1, "$": 0.9},
    "c": {",": 0.4, "$": 0.1, "b": 0.5},
}


def chi_square(found: Counter[str], expected: dict[str, float]) -> float:
    total, shares = sum(found.values()), sum(expected.values())
    wanted = {tag: share / shares * total for tag, share in expected.items()}
    return sum((found[tag] - count) ** 2 / count for tag, count in wanted.items())


@pytest.mark.parametrize("banned", [(), ("b",), ("ab",), ("a", "cb"), ("a", "ab", "b")])
def test_tags_keep_their_proportions_when_others_are_banned(banned: tuple[str, ...]) -> None:
    drafts = markov(Markov(FIVE_TAGS), [Judge(banned, 1) for _ in range(3000)])
    firsts = Counter(draft.tags[0] for draft in drafts)
    expected = {tag: share for tag, share in TAGS.items() if tag not in banned}
    assert set(firsts) == set(expected)
    assert chi_square(firsts, expected) < 24, "p < 0.0001 even at four degrees of freedom"


@pytest.mark.parametrize("sampling", [PLAIN, Sampling(0.7, 0.9, 100), Sampling(0.0)])
def test_a_model_of_banned_tags_still_meets_the_target(sampling: Sampling) -> None:
    follows = {
        ",": {"a": 0.5, "b": 0.45, "c": 0.03, "d": 0.02},
        **{letter: {",": 0.6, "$": 0.4} for letter in "abcd"},
    }
    drafts = markov(Markov(follows), [Judge(("a", "b"), 12) for _ in range(40)], sampling)
    assert {tag for draft in drafts for tag in draft.tags} <= {"c", "d"}
    assert all(len(draft.tags) >= 12 for draft in drafts)
    assert set(drafts[0].refused) == {Refusal("a", "banned"), Refusal("b", "banned")}


def test_the_end_is_held_back_until_the_target_is_met() -> None:
    follows = {",": {"a": 0.1, "$": 0.9}, "a": {",": 0.1, "$": 0.9}}
    drafts = markov(Markov(follows), [Judge(wanted=9), Judge(wanted=0)])
    assert len(drafts[0].tags) >= 9
    assert drafts[0].ended == "end"
    assert len(markov(Markov(follows), [Judge(wanted=0)] * 50)[3].tags) < 9


def test_greedy_goes_on_behind_refused_tags() -> None:
    (free,) = markov(Markov(FIVE_TAGS), [Judge(wanted=3)], Sampling(0.0))
    assert free.tags[0] == "ab", "a is the likeliest letter, b the likeliest behind it"
    (bound,) = markov(Markov(FIVE_TAGS), [Judge(("ab", "a"), 3)], Sampling(0.0))
    assert bound.tags[:3] == ("b", "b", "b")


def test_a_row_that_finds_nothing_ends_and_says_so() -> None:
    (draft,) = markov(Markov({",": {"a": 1.0}, "a": {",": 1.0}}), [Judge(("a",), 5)])
    assert draft.tags == ()
    assert draft.ended == "nothing"


def test_the_limits_of_refusals() -> None:
    endless = Markov({",": {"a": 1.0}, "a": {"a": 0.9, ",": 0.1}})
    everything = ["a" * length for length in range(1, 99)]
    request = Request((0,), 1, Judge(everything, 1))
    (draft,) = decode(endless, VOCABULARY, [request], PLAIN, Limits(refused_at_one_place=5))
    assert draft.ended == "refusals"
    assert 1 <= len(draft.refused) <= 5


def test_endless_tags_are_refused() -> None:
    endless = Markov({",": {"a": 1.0}, "a": {"a": 0.999, ",": 0.001}})
    request = Request((0,), 1, Judge(wanted=1))
    (draft,) = decode(endless, VOCABULARY, [request], PLAIN, Limits(tag_tokens=8, new_tokens=300))
    assert all(len(tag) <= 8 for tag in draft.tags)


def test_a_half_written_tag_is_dropped() -> None:
    follows = {",": {"a": 1.0}, "a": {"b": 1.0}, "b": {"c": 1.0}, "c": {",": 1.0}}
    request = Request((0,), 1, Judge(wanted=99))
    (draft,) = decode(Markov(follows), VOCABULARY, [request], PLAIN, Limits(new_tokens=10))
    assert draft.tags == ("abc", "abc")
    assert (draft.ended, draft.tokens) == ("tokens", 10)


def test_a_prompt_without_room_gets_nothing() -> None:
    request = Request((0,) * 9, 1, Judge(wanted=1))
    (draft,) = decode(Markov(FIVE_TAGS), VOCABULARY, [request], PLAIN, Limits(context=9))
    assert (draft.tags, draft.ended) == ((), "tokens")


def test_no_requests_make_no_drafts() -> None:
    assert markov(Markov(FIVE_TAGS), []) == []


def test_filters_in_the_order_of_transformers() -> None:
    logits = torch.tensor([[0.5, 0.2, 0.2, 0.1]]).log()
    assert candidates(logits, PLAIN)[0][1] == pytest.approx([0.5, 0.2, 0.2, 0.1])
    assert candidates(logits, Sampling(1.0, 0.5, 0))[0][0] == [0]
    assert candidates(logits, Sampling(1.0, 0.51, 0))[0][0] in ([0, 1], [0, 2])
    assert candidates(logits, Sampling(1.0, 1.0, 3))[0][1] == pytest.approx([5 / 9, 2 / 9, 2 / 9])
    assert candidates(logits, Sampling(1.0, 1.0, 0, 0.3))[0][0] == [0, 1, 2]
    assert candidates(logits, Sampling(2.0, 1.0, 2))[0][1][0] == pytest.approx(0.6126, abs=1e-4)


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(LETTERS) + 3,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.6,
        hidden_act="mish",
    )
    return LlamaForCausalLM(config).double().eval()


def requests(count: int) -> list[Request]:
    """Prompts of all lengths; half of all short tags is banned."""
    banned = [*LETTERS[::2], *(a + b for a in LETTERS[::2] for b in LETTERS)]
    prompts = [(0, *Random(seed).choices(range(2, 11), k=seed % 7)) for seed in range(count)]
    return [Request(prompt, seed, Judge(banned, 6)) for seed, prompt in enumerate(prompts)]


SAMPLINGS = [
    PLAIN,
    Sampling(0.0),
    Sampling(0.8, 0.9, 5),
    Sampling(1.0, 1.0, 0, 0.1),
    Sampling(1.0, repetition_penalty=1.3),
]
SHORT = Limits(new_tokens=120, tag_tokens=6)


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
