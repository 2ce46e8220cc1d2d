from __future__ import annotations

import pytest

from tagkit.rendering.prediction import prediction_of

UNET = {"model.diffusion_model.input_blocks.0.0.weight": {}}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({}, None),
        ({"v_pred": {}}, ("v-prediction", False)),
        ({"v_pred": {}, "ztsnr": {}}, ("v-prediction", True)),
        ({"__metadata__": {"modelspec.prediction_type": "v"}}, ("v-prediction", False)),
        ({"__metadata__": {"modelspec.prediction_type": "epsilon"}}, ("epsilon", False)),
        ({"__metadata__": {"modelspec.prediction_type": "new"}}, None),
        ({"__metadata__": {}}, None),
        ({"__metadata__": {"modelspec.prediction_type": "epsilon"}, "v_pred": {}},
         ("v-prediction", False)),
    ],
)  # fmt: skip
def test_a_checkpoint_says_what_it_predicts(header, expected):
    assert prediction_of(UNET | header) == expected
