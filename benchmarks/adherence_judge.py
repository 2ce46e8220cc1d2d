"""Says what a picture of a bust shows: colours by looking, shapes by a small network.

The network learns from drawings that `scripts/bust_drawing.py` makes on the spot, half of them as
the tiny VAE shows them, which blurs what is thin. How often it is right on such that it has not
seen is told too, since no picture is judged better than that.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import nn

from tagkit.data import data_folder

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from bust_drawing import draw_bust
from bust_world import CLOTHES, EARS, EYES, HAIR, MOUTHS, PLAIN, SCENES, STYLES, Bust, any_bust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import Image

    Box = tuple[float, float, float, float]

SIDE = 128
TRAINING = 3_000
UNSEEN = 400
STEPS = 700
BATCH = 48
# What the network says of a picture, and the answers it may give.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "style": STYLES,
    "eyes": ("closed eyes", *EYES),
    "mouth": MOUTHS,
    "glasses": ("", "glasses"),
    "ears": ("", *EARS),
    "halo": ("", "halo"),
    "clothes": tuple(CLOTHES),
    "background": (*PLAIN, *SCENES),
}


class Judge(NamedTuple):
    """The network, and the share of unseen drawings of which it says what they show."""

    network: nn.Module
    right: Mapping[str, float]

    def answers(self, image: Image.Image) -> dict[str, str]:
        """One answer to each question."""
        with torch.inference_mode():
            scores = self.network(_pixels(image)[None])[0]
        parts = scores.split([len(answers) for answers in QUESTIONS.values()])
        return {
            question: QUESTIONS[question][int(part.argmax())]
            for question, part in zip(QUESTIONS, parts, strict=True)
        }


def truth(bust: Bust) -> dict[str, str]:
    """The right answers to a drawing of one girl."""
    girl = bust.girls[0]
    return {
        "style": girl.style,
        "eyes": "closed eyes" if girl.closed else girl.eyes[0],
        "mouth": girl.mouth,
        "glasses": "glasses" if girl.glasses else "",
        "ears": girl.ears,
        "halo": "halo" if girl.halo else "",
        "clothes": girl.clothes,
        "background": bust.background,
    }


def hair_colour(image: Image.Image, face: Box) -> str:
    """The hair colour nearest to what lies above the face; `face` in pixels."""
    left, top, right, bottom = face
    wide, tall = right - left, bottom - top
    box = (left + wide * 0.25, top - tall * 0.15, right - wide * 0.25, top + tall * 0.18)
    return _nearest(np.asarray(image.convert("RGB").crop(box)), HAIR)


def background_colour(image: Image.Image) -> str:
    """The plain background nearest to the left and right edges of the upper half."""
    pixels = np.asarray(image.convert("RGB"))[: image.height // 2]
    edge = max(1, image.width // 16)
    return _nearest(np.concatenate([pixels[:, :edge], pixels[:, -edge:]], axis=1), PLAIN)


def _nearest(pixels: np.ndarray, colours: Mapping[str, tuple[int, int, int]]) -> str:
    """By the colour that most pixels are nearest to."""
    flat = pixels.reshape(-1, 1, 3).astype(float)
    table = np.array(list(colours.values()), dtype=float)[None]
    votes = np.square(flat - table).sum(axis=2).argmin(axis=1)
    return list(colours)[int(np.bincount(votes, minlength=len(colours)).argmax())]


def train_judge(seed: int) -> Judge:
    """Draws, trains, and tries the network on drawings that it has not seen."""
    torch.manual_seed(seed)
    random = Random(seed)
    pictures, labels = _drawings(TRAINING, random)
    pictures[::2] = _redrawn(pictures[::2])
    network = _network()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, STEPS)
    for _ in range(STEPS):
        chosen = torch.tensor(random.sample(range(len(pictures)), BATCH))
        loss = _loss(network(_disturbed(pictures[chosen])), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()
    pictures, labels = _drawings(UNSEEN, random)
    return Judge(network, _shares(network, _redrawn(pictures), labels))


def _drawings(count: int, random: Random) -> tuple[torch.Tensor, torch.Tensor]:
    pictures, labels = [], []
    for _ in range(count):
        bust = any_bust(random, girls=1)._replace(theme="", poor=False)
        pictures.append(_pixels(draw_bust(bust, (SIDE, SIDE), random).image))
        right = truth(bust)
        labels.append([QUESTIONS[question].index(right[question]) for question in QUESTIONS])
    return torch.stack(pictures), torch.tensor(labels)


def _redrawn(pictures: torch.Tensor) -> torch.Tensor:
    """As the tiny VAE shows them."""
    vae = AutoencoderTiny.from_pretrained(data_folder("models") / "tiny" / "image" / "vae").float()
    with torch.inference_mode():
        return torch.cat([vae(each).sample.clamp(-1, 1) for each in pictures.split(BATCH)])


def _pixels(image: Image.Image) -> torch.Tensor:
    """(3, SIDE, SIDE) from -1 to 1."""
    small = np.asarray(image.convert("RGB").resize((SIDE, SIDE)))
    return torch.from_numpy(small.copy()).permute(2, 0, 1).float() / 127.5 - 1


def _disturbed(pictures: torch.Tensor) -> torch.Tensor:
    """Noise and other brightness, so that no single pixel decides."""
    bright = 1 + torch.randn(len(pictures), 3, 1, 1) * 0.06
    return pictures * bright + torch.randn_like(pictures) * 0.06


def _network() -> nn.Module:
    widths = [3, 24, 48, 96, 128]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    outputs = sum(len(answers) for answers in QUESTIONS.values())
    head = [nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * (SIDE // 16) ** 2, outputs)]
    return nn.Sequential(*layers, *head)


def _loss(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    parts = scores.split([len(answers) for answers in QUESTIONS.values()], dim=1)
    losses = [
        nn.functional.cross_entropy(part, labels[:, place]) for place, part in enumerate(parts)
    ]
    return torch.stack(losses).sum()


def _shares(network: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    with torch.inference_mode():
        scores = network(pictures)
    parts = scores.split([len(answers) for answers in QUESTIONS.values()], dim=1)
    return {
        question: (part.argmax(dim=1) == labels[:, place]).float().mean().item()
        for place, (question, part) in enumerate(zip(QUESTIONS, parts, strict=True))
    }
