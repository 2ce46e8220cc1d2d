"""Pictures as lists of tags, drawn from `tag_scenes.yaml` for `train_tag_model.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from tag_apart import Apart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

ROOT = Path(__file__).parent.parent
QUALITY = ["masterpiece", "best quality", "great quality", "good quality", "normal quality"]
SYLLABLES = "ka ki ku sa shi mi mo ra ri ro ta to na ne no ha hi yu ya ma en an".split()

Scenes = dict[str, Any]


class Picture(NamedTuple):
    """people: the counts that a picture's list always begins with. general: tags in the order of
    writing, each with how hard it is cut from a short list. header: tags by kind.
    """

    people: list[str]
    general: dict[str, float]
    header: dict[str, tuple[str, ...]]


def read_scenes() -> Scenes:
    """The scenes; SystemExit names tags that no table of the project has."""
    path = Path(__file__).with_name("tag_scenes.yaml")
    scenes: Scenes = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = sorted({*_tags_in(scenes)} - known_tags())
    if unknown:
        raise SystemExit(f"{path.name}: no table has {', '.join(unknown)}")
    return scenes


def known_tags() -> set[str]:
    """Names of the project's tables, sexual ones left out."""
    tables = (ROOT / "rules" / "tags").glob("*.tsv")
    texts = [table.read_text(encoding="utf-8") for table in tables if table.stem != "sexual"]
    return {line.split("\t")[0] for text in texts for line in text.splitlines()[1:]}


def draw_picture(scenes: Scenes, random: Random, character: list[str] | None = None) -> Picture:
    """One picture; of `character` if that is given, as `characters` of the scenes has them."""
    kinds = [each for each in scenes["people"] if character is None or _shows(each, character)]
    kind = random.choices(kinds, [each["weight"] for each in kinds])[0]
    counts, company = kind["tags"][:1], kind["tags"][1:]
    if len(company) == 1 and company[0] != "solo":
        counts, company = kind["tags"], []
    general = dict.fromkeys(company, 8.0)
    general |= {_one_of(tag, random): 2.0 for tag in kind.get("more", ()) if random.random() < 0.6}
    header = {}
    if kind["persons"]:
        if character is None and kind["persons"] == 1:
            character = _character(scenes, counts, random)
        if character:
            header = {"character": (character[0],), "copyright": (character[1],)}
        general |= _person(scenes, kind, character, random)
    homes = {tag for worn in general for tag in scenes["at_home"].get(worn, ())}
    general |= _sets(_fitting(scenes["places"], homes, random), 1, random)
    general |= _sets(scenes["poses"], 1 if kind["persons"] else 0, random)
    general |= _sets(_fitting(scenes["things"], homes, random), random.randint(0, 1), random)
    general |= _traits(scenes["drawing"], 1, random)
    kept = Apart(scenes["apart"]).sort([*counts, *general]).kept
    general = {tag: keep for tag, keep in general.items() if tag in kept}
    return Picture(counts, general, header | _remarks(random))


def _shows(kind: dict[str, Any], character: list[str]) -> bool:
    return bool(kind["persons"] == 1 and kind["tags"][0] == character[2])


def _person(
    scenes: Scenes, kind: dict[str, Any], character: list[str] | None, random: Random
) -> dict[str, float]:
    """Looks and clothes; those of a known character come first and keep their colours."""
    looks = _traits(scenes["looks"], kind["persons"], random)
    if character:
        fixed = {"hair", "eyes", "bangs"} if len(character) > 4 else set()
        looks = {tag: keep for tag, keep in looks.items() if tag.split()[-1] not in fixed}
        looks = dict.fromkeys(character[3:], 6.0) | looks
    if random.random() < scenes["kinds"]["chance"] and not character:
        looks |= _sets(scenes["kinds"]["sets"], 1, random)
    return looks | _sets(scenes["clothes"][kind["wears"]], 1, random)


def _character(scenes: Scenes, counts: list[str], random: Random) -> list[str] | None:
    fitting = [each for each in scenes["characters"] if each[2] == counts[0]]
    return random.choice(fitting) if fitting and random.random() < 0.2 else None


def _traits(traits: list[dict[str, Any]], persons: int, random: Random) -> dict[str, float]:
    drawn: dict[str, float] = {}
    for trait in traits:
        most = persons if trait.get("each") else random.randint(1, trait.get("most", 1))
        if random.random() < trait["chance"]:
            drawn |= {_by_rank(trait["tags"], random): trait["keep"] for _ in range(most)}
    return drawn


def _sets(sets: list[list[str]], count: int, random: Random) -> dict[str, float]:
    """Tags of `count` sets; the first of a set is its subject and rarely missing."""
    drawn: dict[str, float] = {}
    for _ in range(count):
        for place, tag in enumerate(_by_rank(sets, random, 8)):
            if random.random() < (0.9 if place == 0 else 0.7):
                drawn.setdefault(_one_of(tag, random), 3.0 if place < 3 else 1.5)
    return drawn


def _fitting(sets: list[list[str]], homes: set[str], random: Random) -> list[list[str]]:
    """Those sets that have one of the tags in `homes`, or all."""
    fitting = [own for own in sets if homes & {*_tags_in(own)}]
    return fitting if fitting and random.random() < 0.66 else sets


def _remarks(random: Random) -> dict[str, tuple[str, ...]]:
    """Header fields that say nothing of what is to be seen."""
    remarks: dict[str, tuple[str, ...]] = {}
    if random.random() < 0.5:
        remarks["quality"] = tuple(QUALITY[: random.randint(1, 2)])
    if random.random() < 0.5:
        remarks["rating"] = (random.choice(["safe", "safe", "sensitive"]),)
    if random.random() < 0.2:
        remarks["artist"] = ("".join(random.choices(SYLLABLES, k=random.randint(2, 5))),)
    return remarks


def _by_rank(items: list[Any], random: Random, head: float = 1) -> Any:
    """An item, the n-th with weight 1 / (n + head)."""
    return random.choices(items, [1 / (place + 1 + head) for place in range(len(items))])[0]


def _one_of(tag: str, random: Random) -> str:
    return random.choice(tag.split(" | "))


def writing_order(scenes: Scenes) -> dict[str, int]:
    """Where a tag stands among others: what people look like, what they wear, where, and so on."""
    subjects = ("people", "looks", "kinds", "clothes", "places", "poses", "things", "drawing")
    tags = dict.fromkeys(tag for subject in subjects for tag in _tags_in(scenes[subject]))
    return {tag: place for place, tag in enumerate(tags)}


def _tags_in(value: Any) -> Iterator[str]:
    """Every tag of the scenes; names and series of characters are none."""
    if isinstance(value, str):
        yield from value.split(" | ")
    elif isinstance(value, list):
        for item in value:
            yield from _tags_in(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "characters":
                yield from _tags_in([character[2:] for character in item])
            elif key != "wears":
                yield from _tags_in(item)
