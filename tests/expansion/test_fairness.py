"""Refusals bend nothing else: first tags over a thousand seeds beside the model's own shares."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from letters import (  # noqa: E402
    COMMA,
    END,
    LETTERS,
    VOCABULARY,
    Judge,
    chi_square,
    highest,
    number,
    random_llama,
    text_of,
)

from tagkit.expansion.decoding import candidates, decode  # noqa: E402
from tagkit.expansion.rows import Limits, Request, Sampling  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from transformers import LlamaForCausalLM

SEEDS = 1000
TWO_TOKENS = Limits(tag_tokens=2, refused_at_one_place=9999, refused=9999)
HOT = Sampling(3.0, 1.0, 0)  # the network is sure of itself; this makes it doubt
WRITTEN = [0, *map(number, LETTERS)]

Path = tuple[int, ...]  # token ids


class TakesOne(Judge):
    """A judge that is content with one tag."""

    @property
    def full(self) -> bool:
        return self.missing < 1


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    return random_llama()


def paths(llama: LlamaForCausalLM, sampling: Sampling) -> dict[Path, float]:
    """The model's own probability of each way to write a first tag with one or two tokens."""

    def follows(path: Path) -> dict[int, float]:
        with torch.inference_mode():
            ((tokens, found),) = candidates(
                llama(torch.tensor([[0, *path]])).logits[:, -1], sampling
            )
        return dict(zip(tokens, found, strict=True))

    found: dict[Path, float] = {}
    begun = follows(())
    for first in WRITTEN:
        after = follows((first,))
        found[first,] = begun.get(first, 0.0) * finished(after)
        for second in WRITTEN:
            both = begun.get(first, 0.0) * after.get(second, 0.0)
            found[first, second] = both * finished(follows((first, second)))
    return {path: share for path, share in found.items() if share and text_of(path)}


def finished(after: Mapping[int, float]) -> float:
    return after.get(COMMA, 0.0) + after.get(END, 0.0)


def by_tag(own: Mapping[Path, float]) -> dict[str, float]:
    """Several ways may write one tag: the token that begins a text says nothing within it."""
    shares: dict[str, float] = {}
    for path, share in own.items():
        shares[text_of(path)] = shares.get(text_of(path), 0.0) + share
    return shares


def first_tags(
    llama: LlamaForCausalLM, banned: Collection[str], sampling: Sampling
) -> Counter[str]:
    requests = [Request((0,), seed, TakesOne(list(banned), 1)) for seed in range(SEEDS)]
    drafts = decode(llama, VOCABULARY, requests, sampling, TWO_TOKENS)
    return Counter(draft.tags[0] for draft in drafts)


def with_the_last_token_drawn_anew(
    own: Mapping[Path, float], banned: Collection[str]
) -> dict[str, float]:
    """The shares of a simpler search, which goes back by one token where a tag is refused."""
    free = {path: share for path, share in own.items() if text_of(path) not in banned}

    def under(ways: Mapping[Path, float], token: int) -> float:
        return sum(share for path, share in ways.items() if path[0] == token)

    return by_tag(
        {path: share * under(own, path[0]) / under(free, path[0]) for path, share in free.items()}
    )


def likeliest(own: Mapping[str, float], letters: int) -> list[str]:
    return sorted((tag for tag in own if len(tag) == letters), key=own.__getitem__)[::-1]


@pytest.mark.parametrize("sampling", [HOT, Sampling(3.0, 0.95, 8)], ids=["all", "filtered"])
@pytest.mark.parametrize("case", ["none", "likeliest", "short", "same beginning", "every other"])
def test_free_tags_keep_their_shares(
    llama: LlamaForCausalLM, case: str, sampling: Sampling
) -> None:
    own = by_tag(paths(llama, sampling))
    first = max(own, key=own.__getitem__)[0]
    banned = {
        "none": [],
        "likeliest": likeliest(own, 1)[:1] + likeliest(own, 2)[:1],
        "short": likeliest(own, 1),
        "same beginning": [tag for tag in likeliest(own, 2) if tag[0] == first][:2],
        "every other": sorted(own, key=own.__getitem__)[::2],
    }[case]
    free = {tag: share for tag, share in own.items() if tag not in banned}
    found = first_tags(llama, banned, sampling)
    assert set(found) <= set(free)
    assert chi_square(found, free) < highest(free, SEEDS)


def test_the_test_sees_a_search_that_bends_the_rest(llama: LlamaForCausalLM) -> None:
    own = paths(llama, HOT)
    banned = likeliest(by_tag(own), 1)[:1]
    bent = with_the_last_token_drawn_anew(own, banned)
    assert chi_square(first_tags(llama, banned, HOT), bent) > highest(bent, SEEDS)
