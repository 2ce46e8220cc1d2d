"""Expansion next to kgen's executor: the same weights, prompts, tokenizer and sampling.

    pip install tipo-kgen
    python benchmarks/expansion.py [small|true] [--prompts 1 16] [--cases no-bans] [--rounds 1]

The weights are random but for the head, which holds what follows what in lists of tags: so the
network computes all that DanTagGen would, and writes tags. `true` is DanTagGen's shape and 1.6 GB,
`small` a quarter of its width and a third of its layers. kgen's side is `tag_gen`, called for one
prompt after the other as its user interfaces do; tagkit's is all of `Expander.expand`, with judging
by the rules of lint. Tokens are kept that belong to tags of the result or the commas behind them.
"""

from __future__ import annotations

import math
import random
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from statistics import median
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import torch
from kgen.executor import dtg
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from tagkit.cards import image_card, tag_card
from tagkit.data import data_folder
from tagkit.expansion import Expander, Options, TagModel, Wish
from tagkit.expansion.tag_model import Source
from tagkit.linting import shipped_lexicon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from transformers import PreTrainedTokenizerBase

    from tagkit.expansion.rows import Draft, Request, Sampling

SHAPES = {
    "small": {
        "hidden_size": 256,
        "intermediate_size": 768,
        "num_hidden_layers": 8,
        "num_attention_heads": 4,
    },
    "true": {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
    },
}
VOCABULARY = 32006
GROUPS = "expression headwear legwear pose gaze footwear neckwear held_objects".split()
TAGS_A_GROUP = 9
BANNED = ("hat", "beret", "smile", "looking at viewer", "holding", "thighhighs", "boots", "scarf")
CASES = {  # the share of those tags in what a model writes, and what is banned
    "no-bans": (0.2, ()),
    "fifth-banned": (0.2, BANNED),
    "most-banned": (0.95, BANNED),
}
LIST_LENGTH = 15  # tags that a model writes on average
IMPOSSIBLE = -30.0  # a logit
HAIR = (
    "blonde brown black red blue green pink purple white grey silver aqua orange long short messy"
).split()
LENGTH = "short"
TEMPERATURE = 0.7  # of drawing; the heads are made so that it brings out their shares


class Outcome(NamedTuple):
    """What came of some prompts: tokens written, those that were kept, tags added.

    met: prompts that reached the length asked for. banned: added tags that are banned.
    """

    seconds: float
    written: int
    kept: int
    tags: int
    met: int
    banned: int


class Counting:
    """A tag model that keeps the texts it was given and counts the tokens that it wrote."""

    def __init__(self, model: TagModel) -> None:
        self.name, self.card = model.name, model.card
        self.texts: list[str] = []
        self.written = 0
        self._model = model

    def ids(self, text: str) -> tuple[int, ...]:
        """As of the model."""
        self.texts.append(text)
        return self._model.ids(text)

    def drafts(self, requests: Sequence[Request], sampling: Sampling) -> list[Draft]:
        """As of the model."""
        drafts = self._model.drafts(requests, sampling)
        self.written += sum(draft.tokens for draft in drafts)
        return drafts


class Written:
    """kgen's `generate`, with the tokens that it wrote counted."""

    def __init__(self, generate: Callable[..., tuple[str, int, int]]) -> None:
        self.tokens = 0
        self._generate = generate

    def __call__(self, **given: object) -> tuple[str, int, int]:
        """As kgen's own."""
        result = self._generate(**given)
        self.tokens += result[2]
        return result


def make_network(shape: str, tokenizer: PreTrainedTokenizerBase, share: float) -> LlamaForCausalLM:
    """A network that writes lists in which `share` of all tags is banned."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_act="mish",
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **SHAPES[shape],
    )
    network = LlamaForCausalLM(config).requires_grad_(False).eval()
    for layer in network.model.layers:  # they must not drown what the head is to read
        layer.self_attn.o_proj.weight *= 1e-3
        layer.mlp.down_proj.weight *= 1e-3
    follows = _follows(tokenizer, _shares(share))
    comma = tokenizer.convert_tokens_to_ids(",")
    states = {token: at for at, token in enumerate([comma, *(set(follows) - {comma})])}
    reads, says = network.model.embed_tokens.weight, network.lm_head.weight
    reads.zero_()
    reads[:, 0] = 1.0  # all that is no part of a tag reads as a comma
    says.fill_(IMPOSSIBLE / config.hidden_size**0.5)
    for token, next_ in follows.items():
        reads[token, 0], reads[token, states[token]] = 0.0, 1.0
        total = sum(next_.values())
        for other, weight in next_.items():
            logit = math.log(weight / total) * TEMPERATURE
            says[other, states[token]] = logit / config.hidden_size**0.5
    return network


def _shares(banned: float) -> dict[str, float]:
    """Tags and how often they are written: a few often, most of them seldom."""
    lexicon, draw = shipped_lexicon(), random.Random(1)
    known = [draw.sample(sorted(lexicon.members(group)), TAGS_A_GROUP) for group in GROUPS]
    free = [tag for tags in known for tag in tags if tag not in BANNED and "(" not in tag]
    return {
        **{tag: banned / len(BANNED) for tag in BANNED},
        **{tag: (1 - banned) / len(free) for tag in free},
    }


def _follows(
    tokenizer: PreTrainedTokenizerBase, tags: Mapping[str, float]
) -> dict[int, dict[int, float]]:
    """What follows a token in lists of `tags`, with its weight."""
    follows: dict[int, dict[int, float]] = {}
    comma = tokenizer.convert_tokens_to_ids(",")
    for tag, share in tags.items():
        ids = tokenizer(f"a, {tag}", add_special_tokens=False)["input_ids"]
        path = ids[ids.index(comma) :]
        ends = {comma: 1 - 1 / LIST_LENGTH, tokenizer.eos_token_id: 1 / LIST_LENGTH}
        for token, next_ in zip(path, [*path[1:], None], strict=True):
            for other, part in (ends if next_ is None else {next_: 1.0}).items():
                own = follows.setdefault(token, {})
                own[other] = own.get(other, 0.0) + share * part
    return follows


class Bench:
    """One network on both sides."""

    def __init__(self, shape: str, share: float) -> None:
        folder = data_folder("models") / "tiny" / "tag"
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._network = make_network(shape, self._tokenizer, share)
        source = Source(tag_card("tiny"), "benchmark")
        self._model = TagModel(source, self._network, self._tokenizer)
        self._least = source.card.lengths[LENGTH].minimum

    def run(self, prompts: Sequence[str], bans: Sequence[str]) -> tuple[Outcome, Outcome]:
        """What kgen and tagkit make of the prompts."""
        tagkit, texts = self._run_tagkit(prompts, bans)
        return self._run_kgen(texts, bans), tagkit

    def _run_tagkit(
        self, prompts: Sequence[str], bans: Sequence[str]
    ) -> tuple[Outcome, Sequence[str]]:
        options = Options(
            ban=tuple(bans),
            card_bans=False,
            length=LENGTH,
            max_tokens=10_000,
            temperature=TEMPERATURE,
        )
        expander = Expander(image_card("baxl-v3"), self._model.card, options)
        model = Counting(self._model)
        wishes = [Wish(prompt, seed) for seed, prompt in enumerate(prompts)]
        start = time.perf_counter()
        expansions = expander.expand(model, wishes)
        seconds = time.perf_counter() - start
        added = [each.added for each in expansions]
        met = sum(each.length.reached >= self._least for each in expansions)
        return self._outcome(seconds, model.written, added, met, bans), model.texts

    def _run_kgen(self, texts: Sequence[str], bans: Sequence[str]) -> Outcome:
        """Writing, filtering and writing on, until there are enough tags or kgen gives up."""
        written, added, met = Written(dtg.generate), [], 0
        start = time.perf_counter()
        for seed, text in enumerate(texts):
            own = text.rsplit("general: ", 1)[1].removesuffix("<|input_end|>").split(", ")
            tags = self._kgen(text, own, bans, seed, written)
            added.append(tags)
            met += len(own) + len(tags) >= self._least
        seconds = time.perf_counter() - start
        return self._outcome(seconds, written.tokens, added, met, bans)

    def _kgen(
        self, text: str, own: list[str], bans: Sequence[str], seed: int, generate: Written
    ) -> list[str]:
        given = self._model.card.sampling
        with patch.object(dtg, "generate", generate):
            *_, (_, tags, _) = dtg.tag_gen(
                self._network,
                self._tokenizer,
                text,
                own,
                self._least,
                bans,
                temperature=TEMPERATURE,
                top_p=given.top_p,
                top_k=given.top_k,
                max_new_tokens=given.max_new_tokens,
                seed=seed,
            )
        return [tag for tag in tags if tag]

    def _outcome(
        self,
        seconds: float,
        written: int,
        added: Sequence[Sequence[str]],
        met: int,
        bans: Sequence[str],
    ) -> Outcome:
        kept = sum(len(self._tokenizer.tokenize(f"{tag},")) for tags in added for tag in tags)
        banned = sum(tag in bans for tags in added for tag in tags)
        return Outcome(seconds, written, kept, sum(map(len, added)), met, banned)


def report(title: str, prompts: int, rounds: Sequence[tuple[Outcome, Outcome]]) -> None:
    """A line each, with the median of the seconds; all else is the same in every round."""
    print(f"\n{title}, prompts: {prompts}")
    print("           seconds  tokens/s  kept/s  prompts/s  thrown away  met  tags  banned")
    speeds = []
    for name, outcomes in zip(("kgen", "tagkit"), zip(*rounds, strict=True), strict=True):
        seconds = median(each.seconds for each in outcomes)
        _, written, kept, tags, met, banned = outcomes[0]
        print(
            f"  {name:7}  {seconds:7.2f}  {written / seconds:8.1f}  {kept / seconds:6.1f}  "
            f"{prompts / seconds:9.2f}  {1 - kept / written:11.0%}  {met:3}  {tags:4}  {banned:6}"
        )
        speeds.append((written / seconds, kept / seconds, prompts / seconds))
    tokens, kept, done = (
        f"{tagkit / kgen:.1f}" if kgen else "-" for kgen, tagkit in zip(*speeds, strict=True)
    )
    print(f"  tagkit / kgen: tokens/s {tokens}, kept/s {kept}, prompts/s {done}")


def main() -> None:
    """Times both sides in turn and prints their figures."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("shape", nargs="?", choices=SHAPES, default="small")
    parser.add_argument("--prompts", nargs="+", type=int, default=[1, 16], help="at most 16")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    prompts = [f"1girl, {hair} hair" for hair in HAIR]
    for case in given.cases:
        share, bans = CASES[case]
        bench = Bench(given.shape, share)
        for count in given.prompts:
            report(case, count, [bench.run(prompts[:count], bans) for _ in range(given.rounds)])


main()
