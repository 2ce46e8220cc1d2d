from __future__ import annotations

import pytest

pytest.importorskip("diffusers")

from tagkit.cards import Speed
from tagkit.rendering import pipeline
from tagkit.rendering.loading import Means, Model, Models


@pytest.mark.parametrize(
    ("card", "means", "dtype"),
    [
        (Speed(), Means("cpu"), "auto"),
        (Speed(dtype="bfloat16"), Means("cpu"), "bfloat16"),
        (Speed(dtype="bfloat16"), Means("cpu", speed=Speed(dtype="float32")), "float32"),
        (Speed(dtype="bfloat16"), Means("cpu", "float32"), "float32"),
        (Speed(), Means("cpu", "float32", speed=Speed(dtype="bfloat16")), "float32"),
    ],
)
def test_the_command_line_wins_over_the_card(
    tiny_weights, make_job, monkeypatch, card, means, dtype
):
    asked = []
    find = pipeline.find_dtype
    monkeypatch.setattr(
        pipeline, "find_dtype", lambda name, device: asked.append(name) or find(name, device)
    )
    models = Models({("tiny", ""): Model(tiny_weights, card)}, means, {})
    first = models.open(make_job())
    assert asked == [dtype]
    assert models.open(make_job(seed=2)) is first
