"""Captions are read in training as the renderer reads prompts."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from tagkit.rendering.conditioning import Conditioner  # noqa: E402
from tagkit.rendering.guidance import guidance  # noqa: E402
from tagkit.training.networks import build_components  # noqa: E402
from tagkit.training.texts import encoded, tokens_of  # noqa: E402

LONG = ", ".join(f"tag number {number}" for number in range(30))


@pytest.fixture(scope="module")
def networks(config):
    torch.manual_seed(0)
    components = build_components(config)
    return components.text_encoder.eval(), components.text_encoder_2.eval()


def rendered(networks, text):
    """As the renderer reads a prompt."""
    [(read, _)] = Conditioner(*networks).positive(guidance(text, "", 20), 0)
    return read


@torch.no_grad()
def test_a_batch_reads_as_the_renderer_does(networks):
    texts = ["1girl, blue hair, smile", "hoshino \\(blue archive\\), halo", LONG]
    plain = [text.replace("\\", "") for text in texts]
    read = encoded(*networks, tokens_of(plain, weighted=False, most=225))
    for index, text in enumerate(texts):
        wanted = rendered(networks, text)
        assert torch.allclose(read.context[index][: len(wanted.context)], wanted.context, atol=1e-5)
        assert torch.allclose(read.pooled[index], wanted.pooled, atol=1e-5)


@torch.no_grad()
def test_weights_count_where_captions_are_weighted(networks):
    text = "1girl, (blue hair:1.4), [smile]"
    read = encoded(*networks, tokens_of([text, "hat"], weighted=True, most=75))
    assert torch.allclose(read.context[0], rendered(networks, text).context, atol=1e-5)
    letters = encoded(*networks, tokens_of([text], weighted=False, most=75))
    assert not torch.allclose(letters.context[0], read.context[0], atol=1e-3)


@torch.no_grad()
def test_a_caption_that_was_left_out_is_zero(networks):
    read = encoded(*networks, tokens_of(["", "hat"], weighted=False, most=75))
    assert not read.context[0].any()
    assert not read.pooled[0].any()
    assert read.context[1].any()


def test_a_long_caption_is_cut():
    assert len(tokens_of([LONG], weighted=False, most=75).first) == 1
    assert len(tokens_of([LONG], weighted=False, most=225).first) == 2
