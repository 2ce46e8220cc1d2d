"""Train the tiny tag model that tagkit carries.

    python scripts/train_tag_model.py --data DIR --to FOLDER

The model is DanTagGen's architecture and text layout at toy size. Its lists are drawn from
`tag_scenes.yaml` and stand under the busts that the tiny image model learns from; with `--data`, a
folder with `character_tags.jsonl`, `danbooru_tags.csv` and `prompts.jsonl` (default: `data` in the
folder that TAGKIT_SHARED names), also those of real characters and prompts, as the weights in
`models/tiny/tag` have them. Takes about a quarter of an hour on one core, and gives the same
weights every time on the same machine and version of torch.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import torch
from tag_apart import Apart
from tag_lists import Reader, draw_bust, read_characters, read_prompts
from tag_pictures import ROOT, Picture, draw_picture, known_tags, read_scenes, writing_order
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

sys.path.insert(0, str(ROOT))

from tagkit.cards import TagCard, tag_card
from tagkit.expansion.recipes import model_text

SEED = 7
PIECES = 1536
STEPS = 6000
BATCH = 16
RATE = 3e-3
# How often a sample comes from each source, of those that there are.
SHARES = {"scenes": 26, "busts": 26, "characters": 30, "prompts": 18}
FAMED = 20  # characters: one with so many before it comes about a third as often as the first
IGNORED = -100
SIZES = [(1024, 1024), (832, 1216), (896, 1152), (768, 1344), (1216, 832), (1152, 896), (1344, 768)]


class Sample(NamedTuple):
    """What the model is given, and what it is to write."""

    given: str
    written: str


def sources(data: Path | None) -> dict[str, Callable[[Random], Picture]]:
    """What pictures are drawn from."""
    scenes = read_scenes()
    order, apart = writing_order(scenes), Apart(scenes["apart"])
    found: dict[str, Callable[[Random], Picture]] = {
        "scenes": lambda random: draw_picture(scenes, random),
        "busts": lambda random: draw_bust(order, apart, random),
    }
    if data is None:
        print("no --data: real characters and prompts are left out", flush=True)
        return found
    reader = Reader(scenes)
    characters, (prompts, _) = read_characters(data, reader), read_prompts(data, reader)
    fame = [(place + FAMED) ** -1.5 for place in range(len(characters))]
    return found | {
        "characters": lambda random: draw_picture(
            scenes, random, random.choices(characters, fame)[0]
        ),
        "prompts": lambda random: random.choice(prompts),
    }


def draw_samples(data: Path | None, card: TagCard, random: Random) -> list[Sample]:
    """All that the model learns from, once each."""
    found = sources(data)
    names = random.choices(list(found), [SHARES[name] for name in found], k=STEPS * BATCH)
    return [draw_sample(found[name](random), card, random) for name in names]


def draw_sample(picture: Picture, card: TagCard, random: Random) -> Sample:
    """A picture cut to a length, and parted at a random place as DanTagGen's trainer does."""
    length, general = _cut(picture, card, random)
    given, written = _parted(general, random)
    people = list(picture.people)
    if random.random() < 0.08:
        people, written = [], picture.people + written
    tags = {kind: names for kind, names in picture.header.items() if random.random() < 0.8}
    alone = [tag for tag in given if tag in ("solo", "multiple girls", "multiple boys")]
    tags["count"] = (*people, *alone)
    tags["general"] = tuple(tag for tag in given if tag not in alone)
    width, height = random.choice(SIZES)
    return Sample(
        model_text(tags, width / height, card.lengths[length], card.layout),
        card.layout.separator.join(written),
    )


def _cut(picture: Picture, card: TagCard, random: Random) -> tuple[str, list[str]]:
    """A length token and the tags that it leaves, roughly in the order of writing."""
    whole = len(picture.people) + len(picture.general)
    minimums = {name: target.minimum for name, target in card.lengths.items()}
    reached = [name for name, least in minimums.items() if least <= whole]
    length = random.choice(reached[-3:] or [*minimums][:1])
    longer = [least for least in minimums.values() if least > minimums[length]]
    most = min([whole, *(least - 1 for least in longer)])
    count = random.randint(min(minimums[length], most), most)
    keys = {tag: random.random() ** (1 / keep) for tag, keep in picture.general.items()}
    kept = set(sorted(keys, key=keys.__getitem__, reverse=True)[: count - len(picture.people)])
    places = {tag: place + random.gauss(0, 1) for place, tag in enumerate(picture.general)}
    return length, sorted(kept, key=places.__getitem__)


def _parted(tags: list[str], random: Random) -> tuple[list[str], list[str]]:
    if len(tags) < 2 or random.random() < 0.3:
        return [], tags
    given = random.sample(tags, random.randint(1, max(1, len(tags) * 3 // 5)))
    return given, [tag for tag in tags if tag not in given]


def train_tokenizer(samples: list[Sample], card: TagCard) -> PreTrainedTokenizerFast:
    """Subwords in the manner of LLaMA: a blank belongs to the word behind it."""
    lengths = [target.token for target in card.lengths.values()]
    special = ["<unk>", "<s>", "</s>", card.layout.end_of_input, card.layout.empty, *lengths]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Split(Regex(r"[,:\n]|\d"), "isolated")]
    )
    tokenizer.decoder = decoders.Metaspace()
    letters = [chr(code) for code in range(33, 127)] + ["\u2581", "\n"]
    trainer = BpeTrainer(
        vocab_size=PIECES, special_tokens=special, initial_alphabet=letters, show_progress=False
    )
    plain = [re.sub(r"<\|\w+\|>", "\n", part) for sample in samples for part in sample]
    tokenizer.train_from_iterator([*plain, *sorted(known_tags())], trainer)
    # They fill a line to its end: taking the blank and the line end with them saves two tokens.
    swallowing = [AddedToken(token, lstrip=True, rstrip=True) for token in special[4:]]
    tokenizer.add_special_tokens(swallowing)
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="</s>",
        clean_up_tokenization_spaces=False,
    )


def batches(
    samples: list[Sample], tokenizer: PreTrainedTokenizerFast, random: Random
) -> Iterator[tuple[Tensor, Tensor]]:
    """Token ids and targets of BATCH samples of like length, both (rows, tokens).

    The tags that are given are targets too: what stands beside them is learnt twice as fast.
    """
    headers = [each.given[: each.given.rindex("\n")] for each in samples]
    given = [len(ids) for ids in tokenizer(headers)["input_ids"]]
    whole = tokenizer([each.given + each.written for each in samples])["input_ids"]
    order = sorted(range(len(samples)), key=lambda at: len(whole[at]))
    starts = list(range(0, len(samples), BATCH))
    random.shuffle(starts)
    for start in starts:
        rows = [(whole[at], given[at]) for at in order[start : start + BATCH]]
        yield _padded(rows, tokenizer.eos_token_id)


def _padded(rows: list[tuple[list[int], int]], end: int) -> tuple[Tensor, Tensor]:
    """Rows of ids with the number of those that are no targets."""
    width = max(len(ids) for ids, _ in rows) + 1
    ids = torch.full((len(rows), width), end)
    targets = torch.full((len(rows), width), IGNORED)
    for at, (own, given) in enumerate(rows):
        ids[at, : len(own)] = torch.tensor(own)
        targets[at, given : len(own) + 1] = ids[at, given : len(own) + 1]
    return ids, targets


def train(network: LlamaForCausalLM, data: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Adjust `network` once to each batch."""
    optimizer = torch.optim.AdamW(network.parameters(), RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.1)
    for step, (ids, targets) in enumerate(data, 1):
        hidden = network.model(ids[:, :-1]).last_hidden_state
        wanted = targets[:, 1:] != IGNORED
        loss = cross_entropy(network.lm_head(hidden[wanted]), targets[:, 1:][wanted])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step} of {STEPS}: loss {loss.item():.3f}", flush=True)


def untrained(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """DanTagGen's architecture at toy size with random weights."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        hidden_act="mish",
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def save(network: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the model folder, in half precision and in a form that older transformers read too."""
    logging.disable_progress_bar()
    network.half().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    names = ("bos_token", "eos_token", "unk_token", "pad_token")
    config: dict[str, object] = {name: getattr(tokenizer, name) for name in names}
    config |= {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)


def parsed() -> argparse.Namespace:
    """The arguments."""
    shared = os.environ.get("TAGKIT_SHARED")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(shared, "data") if shared else None)
    parser.add_argument("--to", type=Path, default=ROOT / "models" / "tiny" / "tag")
    return parser.parse_args()


def main() -> None:
    """Train and write the model folder."""
    arguments = parsed()
    folder, card = arguments.to, tag_card("tiny")
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    random = Random(SEED)
    samples = draw_samples(arguments.data, card, random)
    tokenizer = train_tokenizer(samples[:8000], card)
    network = untrained(tokenizer)
    train(network, batches(samples, tokenizer, random))
    save(network, tokenizer, folder)
    print(f"{sum(each.numel() for each in network.parameters()):,} weights in {folder}")


if __name__ == "__main__":
    main()
