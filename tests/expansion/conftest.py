"""The tiny tag model, loaded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tagkit.expansion import TagModel


@pytest.fixture(scope="session")
def tiny() -> TagModel:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import torch

    from tagkit.expansion import find_tag_model, load_tag_model

    torch.set_num_threads(1)
    return load_tag_model(find_tag_model("tiny", named_by_user=True), "cpu")
