"""How sensibly tag models complete lists of tags that they were not trained on.

    python benchmarks/tag_model.py FOLDER... --data DIR

Lists are those that `scripts/train_tag_model.py` holds out of `prompts.jsonl`, and busts drawn from
a seed of their own; a random half of each is the prompt, the rest is what came of it. For each
folder with a tag model and each kind of list:

bits: the model's surprise at the other half, bits a tag.
found: tags of the other half that are among those added.
real: added tags that are none of the model's making: they stand in `danbooru_tags.csv`, in a table
of tagkit or under busts.
contradictory: completions with an added tag that contradicts another one of the result, as
`apart` of `scripts/tag_scenes.yaml` has it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import torch
from transformers import AutoTokenizer, LlamaForCausalLM

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from tag_apart import Apart
from tag_lists import Reader, draw_bust, read_names, read_prompts
from tag_pictures import known_tags, read_scenes, writing_order

from tagkit.cards import image_card, tag_card
from tagkit.expansion import Expander, Options, Wish, find_tag_model, load_tag_model
from tagkit.expansion.recipes import model_text
from tagkit.prompt import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tag_pictures import Picture

    from tagkit.expansion import Expansion

SEED = 1_000_001
LENGTH = "short"


class Task(NamedTuple):
    """A list of which a part is given. people and given: the prompt; hidden: the rest."""

    people: list[str]
    given: list[str]
    hidden: list[str]

    @property
    def prompt(self) -> str:
        """The text that is completed."""
        return ", ".join(escaped(tag) for tag in [*self.people, *self.given])


def main() -> None:
    """Measures each folder and prints a table."""
    arguments = parsed()
    scenes, order = read_scenes(), writing_order(read_scenes())
    apart = Apart(scenes["apart"])
    random = Random(SEED)
    _, held = read_prompts(arguments.data, Reader(scenes))
    lists = {
        "prompts": [halved(each, random) for each in held[: arguments.count]],
        "busts": [halved(draw_bust(order, apart, random), random) for _ in range(arguments.count)],
    }
    real = real_tags(arguments.data)
    real |= {tag for task in lists["busts"] for tag in (*task.given, *task.hidden)}
    print("| model | lists | bits | found | real | contradictory |\n|---|---|---|---|---|---|")
    for folder in arguments.folders:
        for name, tasks in lists.items():
            expansions = completed(folder, tasks)
            if arguments.show:
                show(tasks, expansions, arguments.show)
            figures = (
                f"{bits(folder, tasks):.2f}",
                f"{found(tasks, expansions):.1%}",
                f"{share_of_real(expansions, real):.1%}",
                f"{contradictory(tasks, expansions, apart):.1%}",
            )
            print("|", " | ".join([folder.name, f"{len(tasks)} {name}", *figures]), "|", flush=True)


def parsed() -> argparse.Namespace:
    """The arguments."""
    shared = os.environ.get("TAGKIT_SHARED")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path(shared, "data") if shared else None)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--show", type=int, default=0, help="completions to print")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with prompts.jsonl and danbooru_tags.csv: --data DIR")
    return arguments


def halved(picture: Picture, random: Random) -> Task:
    """A random half of the general tags, and the rest, both in their order."""
    tags = [tag for tag in picture.general if tag != "solo"]
    given = set(random.sample(tags, len(tags) // 2))
    alone = ["solo"] if "solo" in picture.general else []
    kept = [tag for tag in tags if tag in given]
    return Task([*picture.people, *alone], kept, [tag for tag in tags if tag not in given])


def completed(folder: Path, tasks: Sequence[Task]) -> list[Expansion]:
    """Each prompt once, nothing of the image card's in the way."""
    options = Options(temperature=0.7, length=LENGTH, card_bans=False, max_tokens=225)
    expander = Expander(image_card("tiny"), tag_card("tiny"), options)
    model = load_tag_model(find_tag_model(str(folder), named_by_user=True), "cpu")
    return expander.expand(model, [Wish(task.prompt, SEED + at) for at, task in enumerate(tasks)])


@torch.inference_mode()
def bits(folder: Path, tasks: Sequence[Task]) -> float:
    """Bits that a hidden tag costs, its comma included."""
    card = tag_card("tiny")
    network = LlamaForCausalLM.from_pretrained(folder).double().eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    spent = 0.0
    for task in tasks:
        tags = {"count": tuple(task.people), "general": tuple(task.given)}
        given = model_text(tags, 1.0, card.lengths[LENGTH], card.layout)
        start = len(tokenizer(given)["input_ids"])
        ids = torch.tensor([tokenizer(given + ", ".join(task.hidden) + ",")["input_ids"]])
        log_shares = network(ids).logits.log_softmax(-1)[0, start - 1 : -1]
        spent -= log_shares.gather(1, ids[0, start:, None]).sum().item()
    return spent / 0.6931471805599453 / sum(len(task.hidden) for task in tasks)


def found(tasks: Sequence[Task], expansions: Sequence[Expansion]) -> float:
    """Share of hidden tags that were added."""
    hits = [len({*task.hidden} & {*own.added}) for task, own in zip(tasks, expansions, strict=True)]
    return sum(hits) / sum(len(task.hidden) for task in tasks)


def share_of_real(expansions: Sequence[Expansion], real: set[str]) -> float:
    """Share of added tags that a list of tags has."""
    added = [tag for each in expansions for tag in each.added]
    return sum(tag in real for tag in added) / len(added)


def contradictory(tasks: Sequence[Task], expansions: Sequence[Expansion], apart: Apart) -> float:
    """Share of completions in which an added tag contradicts another tag."""
    wrong = 0
    for task, own in zip(tasks, expansions, strict=True):
        clashes = apart.sort([*task.people, *task.given, *own.added]).clashes
        wrong += any(tag in own.added for _, tag in clashes)
    return wrong / len(tasks)


def real_tags(data: Path) -> set[str]:
    """Names and their aliases, in the spelling of prompts."""
    names = known_tags()
    for name, _, _, aliases in read_names(data):
        names |= {each.replace("_", " ") for each in (name, *aliases.split(","))} | {name}
    return names


def show(tasks: Sequence[Task], expansions: Sequence[Expansion], count: int) -> None:
    """Prints completions to read."""
    for task, own in list(zip(tasks, expansions, strict=True))[:count]:
        print(f"{task.prompt}\n    + {', '.join(own.added)}\n")


if __name__ == "__main__":
    main()
