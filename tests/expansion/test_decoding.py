"""The loop, on a hand-made model whose distribution over tags is known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from letters import COMMA, END, VOCABULARY, Judge, Markov, chi_square, highest  # noqa: E402

from tagkit.expansion.decoding import candidates, decode, grow  # noqa: E402
from tagkit.expansion.rows import Limits, Refusal, Request, Row, Sampling  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.expansion.rows import Draft

PLAIN = Sampling(temperature=1.0, top_p=1.0, top_k=0)


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


@pytest.mark.parametrize("banned", [(), ("b",), ("ab",), ("a", "cb"), ("a", "ab", "b")])
def test_tags_keep_their_proportions_when_others_are_banned(banned: tuple[str, ...]) -> None:
    drafts = markov(Markov(FIVE_TAGS), [Judge(banned, 1) for _ in range(3000)])
    firsts = Counter(draft.tags[0] for draft in drafts)
    expected = {tag: share for tag, share in TAGS.items() if tag not in banned}
    assert set(firsts) == set(expected)
    assert chi_square(firsts, expected) < highest(expected, 3000)


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


def test_a_list_that_ends_with_a_tag_that_does_not_count_goes_on() -> None:
    follows = {",": {"a": 0.9, "b": 0.1}, "a": {"$": 1.0}, "b": {"$": 1.0}}
    drafts = markov(Markov(follows), [CountsOnlyB(wanted=1) for _ in range(40)])
    assert all(draft.tags[-1] == "b" for draft in drafts)
    assert {draft.ended for draft in drafts} == {"end"}
    assert max(len(draft.tags) for draft in drafts) > 5


def test_an_empty_tag_does_not_end_a_list_that_is_too_short() -> None:
    network = Markov({",": {"a": 0.2}, "a": {",": 1.0}})
    network.table[COMMA, 0] = torch.tensor(0.8).log()  # a token without text
    network.table[0, END] = 0.0
    drafts = markov(network, [Judge(wanted=2) for _ in range(20)])
    assert min(len(draft.tags) for draft in drafts) == 2


class CountsOnlyB(Judge):
    """A judge that takes everything."""

    def __call__(self, tag: str) -> str | None:
        self.missing -= tag == "b"
        return None


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


def test_the_room_of_refused_tags_is_used_again() -> None:
    follows = {
        ",": {"a": 0.5, "b": 0.45, "c": 0.05},
        **{letter: {"a": 0.5, ",": 0.5} for letter in "ab"},
        "c": {"d": 1.0},
        "d": {",": 1.0},
    }
    banned = [first + "a" * length for first in "ab" for length in range(30)]
    network = Markov(follows)
    row = Row(Request((0,), 1, Judge(banned, 30)), VOCABULARY, Limits(), greedy=False)
    logits = network.table[COMMA][None].clone()
    while not row.ended and len(row.text) < 90:
        grow([row], logits, PLAIN, VOCABULARY)
        token = row.advance()
        logits = network.table[token][None].clone()
    draft = row.draft()
    assert set(draft.tags) == {"cd"}
    assert sum(row.seen) <= len(row.text) + 2, "refused tags are not seen"
    assert len(row.seen) < draft.tokens / 2


def test_rows_of_one_prompt_read_it_once() -> None:
    network = Markov(FIVE_TAGS)
    shapes = []
    model = network.model
    network.model = lambda input_ids, **given: (
        shapes.append(input_ids.shape) or model(input_ids, **given)
    )
    decode(
        network, VOCABULARY, [Request((0, 2), seed, Judge()) for seed in range(8)], PLAIN, Limits()
    )
    assert [tuple(shape) for shape in shapes[:2]] == [(1, 2), (8, 1)]


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
