"""Full fp16, as far as a machine without a GPU can show it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from tagkit.training.loop import allow_half_gradients  # noqa: E402


def test_gradients_in_fp16_are_scaled_back_where_the_weights_are_fp16():
    weight = torch.nn.Parameter(torch.ones(4, dtype=torch.float16))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024)
    scaler.scale((weight.float() * 2).sum()).backward()
    with pytest.raises(ValueError, match="FP16"):
        scaler.unscale_(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024)
    allow_half_gradients(scaler)
    scaler.scale(torch.zeros(()))
    scaler.unscale_(optimizer)
    assert weight.grad.tolist() == [2, 2, 2, 2]
    scaler.step(optimizer)
    assert weight.tolist() == [0, 0, 0, 0]
