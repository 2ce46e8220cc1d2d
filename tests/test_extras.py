from __future__ import annotations

import importlib
import sys

import pytest

from tagkit.extras import without_kernels

JOBS = "model: tiny\ndefaults: {steps: 1, size: 64x64}\nprompts: [1girl]\n"


def test_what_fetches_is_hidden_and_comes_back(kernels):
    with without_kernels(), pytest.raises(ImportError):
        importlib.import_module("kernels")
    assert not kernels.exists()
    with without_kernels(), without_kernels():
        pass
    found = importlib.import_module("kernels")
    with without_kernels(), pytest.raises(ImportError):
        importlib.import_module("kernels")
    assert sys.modules.pop("kernels") is found


@pytest.mark.parametrize("workers", [1, 2])
def test_rendering_asks_no_hub_for_kernels(run, kernels, tmp_path, workers):
    pytest.importorskip("diffusers")
    (tmp_path / "jobs.yaml").write_text(JOBS)
    done = run("render", tmp_path / "jobs.yaml", "--workers", workers)
    assert done.returncode == 0, done.stderr
    assert not kernels.exists()
