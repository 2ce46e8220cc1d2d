"""Do words reach pixels? `python benchmarks/adherence.py [COUNT]` renders and looks.

Prompts are combinations of hair, eyes, clothes and background drawn with a seed of their own, said
in tags and rendered by `tagkit.render` with the tiny model and the card's negative prompt, which
holds `halo` wherever the prompt does not. A face counts as found where the tiny detector finds
exactly one. Some are rendered again with hires fix, twice as large, by the tiny DAT and by Lanczos;
both ways, and the mere enlargement, are held against one another for sharpness.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from adherence_judge import QUESTIONS, Judge, background_colour, hair_colour, train_judge, truth
from bust_world import CLOTHES, EARS, HAIR, PLAIN, SCENES, Bust, any_bust
from PIL import Image

import tagkit
from tagkit.data import data_folder
from tagkit.rendering.detecting import Detector
from tagkit.rendering.upscaling import open_network, resampled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Box = tuple[float, float, float, float]
    Pixels = np.ndarray

SEED = 2_026
COUNT = 200
CONFIDENCE = 0.3
ENLARGED = 40
DAT = "tiny-dat-x2"


class Seen(NamedTuple):
    """A picture that was asked for, and the faces found in it."""

    bust: Bust
    image: Image.Image
    faces: list[tuple[float, float, float, float]]


def wish(random: Random) -> Bust:
    """One girl in true colours, without what hides her hair."""
    bust = any_bust(random, girls=1)
    girl = bust.girls[0]
    plain = girl._replace(headwear="", eyes=(girl.eyes[0],) * 2)
    return Bust((plain,), bust.background, theme="", poor=False)


def prompt_of(bust: Bust) -> str:
    """What one writes to get this picture."""
    girl = bust.girls[0]
    eyes = "closed eyes" if girl.closed else girl.eyes[0]
    tags = [girl.hair, girl.style, eyes, girl.mouth, *CLOTHES[girl.clothes][:2]]
    tags += ["glasses"] * girl.glasses + ["halo"] * girl.halo + list(EARS.get(girl.ears, ()))
    tags += SCENES.get(bust.background, ("simple background", bust.background))[:2]
    return ", ".join(["1girl", "solo", *tags, "best quality"])


def render(busts: Sequence[Bust], upscaler: str = "") -> list[Image.Image]:
    """The pictures, in order; with an upscaler by hires fix, as the card has it."""
    prompts = [
        {"prompt": prompt_of(bust), "seed": SEED + number} for number, bust in enumerate(busts)
    ]
    jobs = {"version": 1, "model": "tiny", "prompts": prompts}
    if upscaler:
        jobs["defaults"] = {"hires": {"upscaler": upscaler}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "jobs.json").write_text(json.dumps(jobs))
        tagkit.render(folder / "jobs.json", output=folder / "out")
        files = sorted((folder / "out").glob("*.png"))
        return [Image.open(file).convert("RGB") for file in files]


def look(busts: Sequence[Bust], images: Sequence[Image.Image]) -> list[Seen]:
    """The pictures with the faces in them."""
    detector = Detector(data_folder("models") / "detector" / "tiny-face.onnx")
    return [
        Seen(bust, image, [found.box for found in detector(np.asarray(image), CONFIDENCE)])
        for bust, image in zip(busts, images, strict=True)
    ]


def marks(seen: Seen, judge: Judge) -> Iterator[tuple[str, bool]]:
    """What was asked, and whether the picture shows it."""
    wanted, shown = truth(seen.bust), judge.answers(seen.image)
    yield "face found", len(seen.faces) == 1
    faced = bool(seen.faces)
    yield "hair colour", faced and hair_colour(seen.image, seen.faces[0]) == seen.bust.girls[0].hair
    plain = wanted["background"] in PLAIN
    background = background_colour(seen.image) if plain else shown["background"]
    kind = "plain" if plain else "scenic"
    yield "background", background == wanted["background"]
    yield f"background, {kind}", background == wanted["background"]
    yield (
        ("halo asked for" if wanted["halo"] else "halo in the negative"),
        (shown["halo"] == wanted["halo"]),
    )
    for question in ("style", "eyes", "mouth", "glasses", "ears", "clothes"):
        yield question, shown[question] == wanted[question]


def chance(question: str, all_seen: Sequence[Seen]) -> float:
    """How often one would be right who always says what is asked for most."""
    answers = Counter(truth(seen.bust)[question] for seen in all_seen)
    return max(answers.values()) / len(all_seen)


def enlarged(images: Sequence[Image.Image], upscaler: str) -> list[Pixels]:
    """The pictures twice as large, nothing else done to them."""
    path = data_folder("models") / "upscaler" / f"{DAT}.safetensors"
    enlarge = open_network(path, torch.device("cpu")) if upscaler == DAT else resampled
    return [enlarge(np.asarray(image), image.width * 2, image.height * 2) for image in images]


def gradient(pictures: Sequence[Pixels]) -> float:
    """The mean difference of neighbours, across and down: the more of it, the sharper."""
    return float(
        np.mean(
            [
                sum(np.abs(np.diff(each.astype(float), axis=axis)).mean() for axis in (0, 1))
                for each in pictures
            ]
        )
    )


def main() -> None:
    """Prints the share of pictures that show what was asked for."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    random = Random(SEED)
    busts = [wish(random) for _ in range(count)]
    all_seen = look(busts, render(busts))
    judge = train_judge(SEED)
    right, asked = Counter(), Counter()
    for seen in all_seen:
        for question, is_right in marks(seen, judge):
            asked[question] += 1
            right[question] += is_right
    for question in asked:
        told = f"{right[question] / asked[question]:.3f} of {asked[question]}"
        if question in QUESTIONS:
            told += f"; chance {chance(question, all_seen):.3f}"
        if question in judge.right:
            told += f"; the judge on drawings {judge.right[question]:.3f}"
        print(f"{question}: {told}")
    print(f"hair colour by chance: {1 / len(HAIR):.3f}")
    some = [seen.image for seen in all_seen[:ENLARGED]]
    for upscaler in (DAT, "Lanczos"):
        fixed = [np.asarray(each) for each in render(busts[:ENLARGED], upscaler)]
        mere = enlarged(some, upscaler)
        print(
            f"gradient at twice the size, {upscaler}: by hires fix {gradient(fixed):.3f}, "
            f"enlarged {gradient(mere):.3f}"
        )


if __name__ == "__main__":
    main()
