from __future__ import annotations

import pytest

from tagkit.rendering.resamplers import RESAMPLERS, resampler_named


@pytest.mark.parametrize("name", RESAMPLERS)
def test_a1111_knows_every_one(name):
    assert resampler_named(RESAMPLERS[name].infotext) == name


def test_upper_case_does_not_matter_and_others_are_none():
    assert resampler_named("latent (Bicubic)") == "latent-bicubic"
    assert resampler_named("DAT x2") is None
