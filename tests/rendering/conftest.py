"""What the tests of rendering share: a cache of their own, the tiny model, jobs."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from tagkit.cards import image_card
from tagkit.cards.parts import Weights
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.job import Job, identified
from tagkit.rendering.jobfile import parse_overrides, read_source
from tagkit.rendering.planning import make_plan
from tagkit.rendering.weights import find_weights
from tagkit.settings import Settings

NO_FOLDERS = Settings()
NEGATIVE = "lowres, bad hands"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(cache):
    """The user's is left alone."""


@pytest.fixture(scope="session")
def tiny_weights():
    """Of a model with random weights, smaller than `tiny`, and with an AutoencoderKL as SDXL's."""
    random_weights = Weights(folder=str(Path(__file__).parent / "random_model"), random_seed=0)
    card = msgspec.structs.replace(image_card("tiny"), weights=random_weights)
    return find_weights(card, "", (), FileHashes())


@pytest.fixture(scope="session")
def components(tiny_weights):
    pytest.importorskip("diffusers")
    import torch

    from tagkit.rendering.components import load_components

    torch.set_num_threads(1)
    return load_components(tiny_weights)


@pytest.fixture(scope="session")
def tiny(components):
    """The tiny model, ready to draw on the CPU."""
    import torch

    from tagkit.rendering.pipeline import Pipeline

    return Pipeline(components, "epsilon", torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def make_job():
    """A job of the tiny model; fields as keywords."""

    def make(**fields: object) -> Job:
        job = Job(
            id=None, index=0, file="a.png", prompt="1girl, blue hair", negative=NEGATIVE, seed=1,
            width=64, height=64, steps=3, cfg=5.0, sampler="euler-a", model="tiny",
            weights="0" * 64,
        )  # fmt: skip
        return identified(msgspec.structs.replace(job, **fields))

    return make


@pytest.fixture
def plan(tmp_path):
    """Plans a job file given as a value; the rest as `make_plan` takes it."""

    def make(prompts, overrides=(), seed=0, settings=NO_FOLDERS, complete=None, **fields):
        document = {"model": "tiny", "prompts": prompts, **fields}
        path = tmp_path / "jobs.json"
        path.write_bytes(msgspec.json.encode(document))
        said = parse_overrides(overrides)
        source = read_source(path)
        return make_plan([source], settings, random.Random(seed), said, complete=complete)

    return make
