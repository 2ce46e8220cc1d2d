"""The loop, on a hand-made model whose distribution over tags is known, and on a random LLaMA."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tagkit.expansion.decoding import candidates, decode  # noqa: E402
from tagkit.expansion.rows import Draft, Limits, Refusal, Request, Row, Sampling, Vocabulary  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        self.read = 0

    def model(self, input_ids: torch.Tensor, **_: Any) -> SimpleNamespace:
        self.read += 1
        return SimpleNamespace(last_hidden_state=torch.nn.functional.one_hot(input_ids, 11).float())

    def lm_head(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.table[hidden.argmax(-1)].clone()


def number(token: str) -> int:
    return {",": COMMA, "$": END}.get(token) or LETTERS.index(token) + 3


def markov(network: Markov, judges: Sequence[Judge], sampling: Sampling = PLAIN) -> list[Draft]:
    requests = [Request((0,), seed, judge) for seed, judge in enumerate(judges)]
    return decode(network, VOCABULARY, requests, sampling, Limits())  # type: ignore[arg-type]


# Tags and their probabilities: a 0.12, ab 0.28, b 0.3, c 0.15, cb 0.15.
TAGS = {"a": 0.12, "ab": 0.28, "b": 0.3, "c": 0.15, "cb": 0.15}
FIVE_TAGS = {
    ",": {"a": 0.4, "b": 0.3, "c": 0.3},
    "a": {",": 0.3, "b": 0.7},
    "b": {",": 0.999, "$": 0.001},
    "c": {",": 0.5, "b": 0.5},
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


@pytest.mark.parametrize("sampling", [PLAIN, Sampling(0.7, 0.95, 100), Sampling(0.0)])
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


def test_what_the_model_is_never_asked_twice() -> None:
    """Refusing every tag that begins with a letter reads that letter once."""
    network = Markov({",": {"a": 1.0}, "a": {letter: 1 / 8 for letter in LETTERS} | {}})
    network.table[3:, COMMA] = 0.0
    banned = [f"a{letter}" for letter in LETTERS]
    (draft,) = markov(network, [Judge(banned, 1)])
    assert len(set(draft.refused)) == draft.tokens - 1 or draft.tokens <= 1 + len(LETTERS)


def test_greedy_goes_on_behind_refused_tags() -> None:
    network = Markov(FIVE_TAGS)
    (free,) = markov(network, [Judge(wanted=3)], Sampling(0.0))
    assert free.tags[0] == "ab", "a is the likeliest letter, b the likeliest behind it"
    (bound,) = markov(network, [Judge(("ab", "a"), 3)], Sampling(0.0))
    assert bound.tags[:3] == ("b", "b", "b")


def test_a_row_that_finds_nothing_ends_and_says_so() -> None:
    network = Markov({",": {"a": 1.0}, "a": {",": 1.0}})
    (draft,) = markov(network, [Judge(("a",), 5)])
    assert draft.tags == ()
    assert draft.ended == "nothing"


def test_the_limit_of_refusals() -> None:
    network = Markov({",": {"a": 1.0}, "a": {"a": 0.9, ",": 0.1}})
    never: Callable[[str], str | None] = lambda tag: "banned"  # noqa: E731
    judge = SimpleNamespace(missing=1, full=False)
    request = Request((0,), 1, type("Never", (), {"missing": 1, "full": False, "__call__": lambda _, tag: never(tag)})())
    (draft,) = decode(network, VOCABULARY, [request], PLAIN, Limits(refused_at_one_place=5))  # type: ignore[arg-type]
    assert judge.missing
    assert draft.ended == "refusals"
    assert len(draft.refused) <= 5


def test_a_half_written_tag_is_dropped() -> None:
    network = Markov({",": {"a": 1.0}, "a": {"b": 1.0}, "b": {"c": 1.0}, "c": {",": 1.0}})
    request = Request((0,), 1, Judge(wanted=99))
    (draft,) = decode(network, VOCABULARY, [request], PLAIN, Limits(new_tokens=10))  # type: ignore[arg-type]
    assert draft.tags == ("abc", "abc")
    assert (draft.ended, draft.tokens) == ("tokens", 10)
