"""What the tests of training share: pictures, recipes, and a model small enough to train here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from small_model import TINY_VAE, draw, write_config

# An oracle of the tests of rendering serves here too.
sys.path.append(str(Path(__file__).parents[1] / "rendering"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(cache):
    """The user's is left alone."""


@pytest.fixture(scope="session")
def config(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="session")
def config_of_tiny_vae(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp("config"), TINY_VAE)


@pytest.fixture
def pictures(tmp_path):
    """A folder of five pictures of two shapes."""
    folder = tmp_path / "pictures"
    colours = {"red": (64, 64), "blue": (64, 64), "green": (64, 64), "black": (96, 48)}
    for name, size in colours.items():
        draw(folder / f"{name}.png", size, name, f"1girl, {name} hair, smile")
    draw(folder / "white.webp", (48, 96), "white", "1girl, white hair, hat")
    return folder


@pytest.fixture
def recipe(tmp_path, config, pictures):
    """Writes a recipe; keys of the top as keywords."""

    def write(name: str = "recipe", **said: object) -> Path:
        document: dict[str, object] = {
            "from": {"config": str(config), "seed": 1},
            "data": [{"folder": "pictures"}],
            "max_steps": 2,
            "learning_rate": 0.001,
            "buckets": {"resolution": 64, "min": 32, "max": 128, "step": 16},
            "model": "tiny",
            "save": {"precision": "fp32"},
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document | said, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture
def train(recipe, tmp_path):
    """Trains a recipe in this process; keys of the recipe as keywords."""
    pytest.importorskip("accelerate")
    import torch

    from tagkit.training import Surroundings, planned
    from tagkit.training import train as run

    torch.set_num_threads(1)

    def trained(output="out", resume=True, stopping=lambda: False, events=None, **said):
        plan = planned(recipe(**said))
        heard = [].append if events is None else events.append
        surroundings = Surroundings(
            watch=heard, stopping=stopping, now=lambda: "2026-01-02T03:04:05+00:00"
        )
        return run(plan, tmp_path / output, resume=resume, device="cpu", surroundings=surroundings)

    return trained
