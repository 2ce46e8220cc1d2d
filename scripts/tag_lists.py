"""Lists of tags that others wrote, or that stand under drawn busts, for `train_tag_model.py`.

`character_tags.jsonl`, `prompts.jsonl` and `danbooru_tags.csv` are read from a folder of the
user's; nothing of them stays but what a model learns. Tags that are in no table of the project,
sexual ones and words of its safety rule are left out, and so are whole lists that break that rule.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING
from zlib import crc32

from bust_world import GOOD, OTHERS, POOR, any_bust, tags_of
from tag_apart import Apart
from tag_pictures import ROOT, Picture, known_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from random import Random

    from tag_pictures import Scenes

sys.path.insert(0, str(ROOT))

from tagkit.cards import image_card
from tagkit.expansion.bans import own_name
from tagkit.expansion.recipes import COUNTED, kind_of
from tagkit.expansion.recipes import tags_of as sorted_tags
from tagkit.expansion.reviewing import Reviewer
from tagkit.lexicon import lexicon_for
from tagkit.prompt import parse

LEAST = 6  # general tags of a list that teaches something
SEVERAL = 3
CHARACTER = "4"  # the category of characters in `danbooru_tags.csv`
ALIKE = 0.6  # lists that share so many of their tags are one and the same
NAMED = ("character", "copyright", "quality", "rating")
_UNWANTED = ("breasts", "sexual")  # tables


class Reader:
    """Reads texts as lists of known, harmless tags that go together."""

    def __init__(self, scenes: Scenes) -> None:
        self._lexicon = lexicon_for()
        self._reviewers = {name: Reviewer(image_card("tiny"), name) for name in DIALECTS.values()}
        self._apart = Apart(scenes["apart"])
        unwanted = {tag for name in _UNWANTED for tag in _table(name)} | _table("child_words")
        self._known = {tag for tag in known_tags() - unwanted if not self._is_sexual(tag)}

    def character(self, text: str) -> list[str] | None:
        """`name, series, count, traits` as in `tag_scenes.yaml`; None for one that is left out."""
        name, series, *tags = text.split(", ")
        if len(tags) < 3 or self._is_sexual(name) or self._is_unsafe(", ".join(tags), "a1111"):
            return None
        count, *traits = self._apart.sort(self._wanted(tags)).kept or [""]
        return [name, series, count, *traits] if count in ("1girl", "1boy") else None

    def prompt(self, text: str, dialect: str) -> Picture | None:
        """What a prompt shows; None if that is too little, or unsafe."""
        if self._is_unsafe(text, dialect):
            return None
        tags = sorted_tags(parse(text, dialect), self._lexicon)
        counted = [tag for kind in COUNTED for tag in tags.get(kind, ())]
        kept = self._apart.sort(self._wanted(counted)).kept
        people = [tag for tag in kept if tag in tags.get("count", ()) and tag != "solo"]
        general = {tag: 2.0 for tag in kept if tag not in people}
        header = {kind: tags[kind] for kind in NAMED if kind in tags}
        if len(general) < LEAST or any(map(self._is_sexual, header.get("rating", ()))):
            return None
        return Picture(people, general, header)

    def _wanted(self, tags: Iterable[str]) -> list[str]:
        names = dict.fromkeys(own_name(tag, self._lexicon) for tag in tags)
        return [
            name
            for name in names
            if name in self._known and kind_of(name, self._lexicon) in COUNTED
        ]

    def _is_sexual(self, name: str) -> bool:
        return self._reviewers["a1111"].is_sexual(name)

    def _is_unsafe(self, text: str, dialect: str) -> bool:
        return self._reviewers[dialect].is_unsafe(text)


# How texts of each kind are read; others are no prompts.
DIALECTS = {"civitai": "a1111", "webui_style": "a1111", "novelai": "novelai"}


def read_characters(folder: Path, reader: Reader) -> list[list[str]]:
    """The characters of `character_tags.jsonl`, by posts in `danbooru_tags.csv`, most first."""
    found = [reader.character(row["text"]) for row in _rows(folder / "character_tags.jsonl")]
    listed = [character for character in found if character]
    posts = {name: int(count) for name, kind, count, _ in read_names(folder) if kind == CHARACTER}
    listed.sort(key=lambda each: -posts.get(each[0].replace(" ", "_"), 0))
    often = _often(character[3:] for character in listed)
    return [[*each[:3], *(tag for tag in each[3:] if tag in often)] for each in listed]


def read_names(folder: Path) -> list[list[str]]:
    """Rows of `danbooru_tags.csv`: name, category, posts, aliases parted by commas."""
    with _found(folder / "danbooru_tags.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _often(lists: Iterable[Iterable[str]]) -> set[str]:
    """Tags that stand in several lists; of others a small model learns how to make up words."""
    counts = Counter(tag for tags in lists for tag in tags)
    return {tag for tag, count in counts.items() if count >= SEVERAL}


def read_prompts(folder: Path, reader: Reader) -> tuple[list[Picture], list[Picture]]:
    """Those of `prompts.jsonl` to learn from, and a quarter that is held out, each list once.

    What is like a list that is held out is not learnt from.
    """
    learnt: list[Picture] = []
    held: list[Picture] = []
    for row in _rows(folder / "prompts.jsonl"):
        dialect = DIALECTS.get(row["kind"])
        picture = reader.prompt(row["text"], dialect) if dialect else None
        if picture and not _like_one_of(picture, held):
            (learnt if crc32(row["text"].encode()) % 4 else held).append(picture)
    often = _often(each.general for each in learnt)
    kept = [{tag: keep for tag, keep in each.general.items() if tag in often} for each in learnt]
    thinned = [
        each._replace(general=tags)
        for each, tags in zip(learnt, kept, strict=True)
        if len(tags) >= LEAST
    ]
    return [each for each in thinned if not _like_one_of(each, held)], held


def draw_bust(order: Mapping[str, int], apart: Apart, random: Random) -> Picture:
    """What the tiny image model learns to draw, in `order`; not what its captions say besides."""
    tags = tags_of(any_bust(random), random)
    quality = tuple(tag for tag in tags if tag in GOOD and tag.endswith(("quality", "piece")))
    people = [tag for tag in tags if tag in ("1girl", "2girls")]
    general = [tag for tag in tags if tag not in (*people, *GOOD, *POOR, *OTHERS)]
    general.sort(key=lambda tag: order.get(tag, 0))
    kept = [tag for tag in apart.sort([*people, *general]).kept if tag not in people]
    return Picture(people, dict.fromkeys(kept, 3.0), {"quality": quality} if quality else {})


def _like_one_of(picture: Picture, others: Sequence[Picture]) -> bool:
    own = {*picture.general}
    return any(
        len(own & {*other.general}) >= ALIKE * min(len(own), len(other.general)) for other in others
    )


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in _found(path).read_text(encoding="utf-8").splitlines()]


def _found(path: Path) -> Path:
    if not path.is_file():
        raise SystemExit(f"there is no {path.name} in {path.parent}")
    return path


def _table(name: str) -> set[str]:
    paths = [ROOT / "rules" / folder / f"{name}.tsv" for folder in ("tags", "tables")]
    texts = [path.read_text(encoding="utf-8") for path in paths if path.is_file()]
    return {line.split("\t")[0] for text in texts for line in text.splitlines()[1:]}
