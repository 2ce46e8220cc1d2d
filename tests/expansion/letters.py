"""Tags of a few letters: their vocabulary, judges, and networks that write them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tagkit.expansion.rows import Vocabulary

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence

# Token ids: 0 begins, 1 ends, 2 is the comma, then letters.
LETTERS = "abcdefgh"
COMMA, END = 2, 1


def text_of(ids: Sequence[int]) -> str:
    return "".join("," if each == COMMA else LETTERS[each - 3] for each in ids if each > 1)


VOCABULARY = Vocabulary(frozenset({END}), frozenset({COMMA}), frozenset({COMMA}), text_of)


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


def random_llama() -> LlamaForCausalLM:
    """A small LLaMA of random weights that has opinions."""
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


def chi_square(found: Counter[str], expected: Mapping[str, float]) -> float:
    """How far counts are from shares; tags that are expected less than five times are one class."""
    total, shares = sum(found.values()), sum(expected.values())
    wanted = {tag: share / shares * total for tag, share in expected.items()}
    classes = [(found[tag], count) for tag, count in wanted.items() if count >= 5]
    seldom = total - sum(count for _, count in classes)
    if seldom > 1e-6:
        classes.append((total - sum(own for own, _ in classes), seldom))
    return sum((own - count) ** 2 / count for own, count in classes)


def highest(expected: Mapping[str, float], total: int) -> float:
    """What chi-square exceeds once in 5,000 times where the shares are right.

    After Wilson and Hilferty (1931), a normal approximation.
    """
    shares = sum(expected.values())
    seldom = [share for share in expected.values() if share / shares * total < 5]
    freedom = len(expected) - len(seldom) - (not seldom)
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + 3.54 * spread**0.5) ** 3)
