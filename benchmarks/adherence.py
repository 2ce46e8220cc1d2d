"""Do words reach pixels? `python benchmarks/adherence.py [COUNT]` renders and looks.

Prompts are combinations of hair, eyes, clothes and background drawn with a seed of their own, said
in tags and rendered by `tagkit.render` with the tiny model and the card's negative prompt, which
holds `halo` wherever the prompt does not. A face counts as found where the tiny detector finds
exactly one. The pictures are then made twice as large, by the tiny DAT and by Lanczos, and held
against one another for sharpness.
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

SEED = 2_026
COUNT = 200
CONFIDENCE = 0.3
ENLARGED = 40


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


def render(busts: Sequence[Bust], folder: Path) -> list[Seen]:
    """The pictures, in order, with the faces in them."""
    prompts = [
        {"prompt": prompt_of(bust), "seed": SEED + number} for number, bust in enumerate(busts)
    ]
    job_file = folder / "jobs.json"
    job_file.write_text(json.dumps({"version": 1, "model": "tiny", "prompts": prompts}))
    tagkit.render(job_file, output=folder / "out")
    detector = Detector(data_folder("models") / "detector" / "tiny-face.onnx")
    return [
        _seen(bust, file, detector)
        for bust, file in zip(busts, sorted((folder / "out").glob("*.png")), strict=True)
    ]


def _seen(bust: Bust, file: Path, detector: Detector) -> Seen:
    image = Image.open(file).convert("RGB")
    return Seen(bust, image, [found.box for found in detector(np.asarray(image), CONFIDENCE)])


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


def sharpness(all_seen: Sequence[Seen]) -> tuple[float, float]:
    """Mean gradients of pictures made twice as large: by the tiny DAT, and by Lanczos."""
    path = data_folder("models") / "upscaler" / "tiny-dat-x2.safetensors"
    network, sums = open_network(path, torch.device("cpu")), [0.0, 0.0]
    for seen in all_seen:
        picture = np.asarray(seen.image)
        size = (seen.image.width * 2, seen.image.height * 2)
        for place, large in enumerate((network(picture, *size), resampled(picture, *size))):
            pixels = large.astype(float)
            sums[place] += sum(np.abs(np.diff(pixels, axis=axis)).mean() for axis in (0, 1))
    return sums[0] / len(all_seen), sums[1] / len(all_seen)


def main() -> None:
    """Prints the share of pictures that show what was asked for."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    random = Random(SEED)
    busts = [wish(random) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        all_seen = render(busts, Path(folder))
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
    network, lanczos = sharpness(all_seen[:ENLARGED])
    print(f"gradient at twice the size: tiny-dat-x2 {network:.3f}, Lanczos {lanczos:.3f}")


if __name__ == "__main__":
    main()
