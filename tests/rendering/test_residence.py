from __future__ import annotations

import gc

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("diffusers")

from tagkit.cards import Speed  # noqa: E402
from tagkit.rendering.pipeline import Pipeline  # noqa: E402
from tagkit.rendering.residence import Residence  # noqa: E402

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


class Network:
    """Knows where it is; `fits`: whether the device takes it."""

    def __init__(self, fits=True):
        self.place, self.form, self.fits = "cpu", {}, fits

    def to(self, device, **form):
        if torch.device(device) == CUDA and not self.fits:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        self.place, self.form = torch.device(device).type, self.form | form
        return self

    def __call__(self, word):
        return self.place, word


def moved_in(residence, **networks):
    return {part: residence.take(part, each, dtype="half") for part, each in networks.items()}


def test_all_are_on_the_device_while_it_holds_them():
    unet, texts = Network(), Network()
    guests = moved_in(Residence(CUDA, None), unet=unet, texts=texts)
    assert guests["texts"]("hat") == guests["unet"]("hat") == ("cuda", "hat")
    assert unet.form == {"dtype": "half"}
    assert (unet.place, texts.place) == ("cuda", "cuda")


@pytest.mark.parametrize("how", ["asked for", "memory ran out while loading", "and while drawing"])
def test_they_take_turns(how):
    networks = {"unet": Network(), "texts": Network(), "vae": Network()}
    networks["vae"].fits = how != "memory ran out while loading"
    residence = Residence(CUDA, True if how == "asked for" else None)
    guests = moved_in(residence, **networks)
    networks["vae"].fits = True
    if how == "and while drawing":
        assert residence.begin_turns()
    assert not residence.begin_turns()
    for part in ("texts", "unet", "unet", "vae", "texts"):
        assert guests[part]("hat") == ("cuda", "hat")
        assert [name for name, each in networks.items() if each.place == "cuda"] == [part]
    assert networks["vae"].form == {"dtype": "half"}


def test_where_they_may_not_take_turns_too_little_memory_is_an_error():
    residence = Residence(CUDA, in_turn=False)
    with pytest.raises(MemoryError):
        residence.take("unet", Network(fits=False))
    assert not residence.begin_turns()


def test_the_memory_of_the_cpu_is_no_larger_than_it_is():
    assert not Residence(CPU, in_turn=True).begin_turns()


def test_a_network_that_nobody_uses_is_let_go():
    residence = Residence(CUDA, in_turn=True)
    residence.take("vae", Network())
    kept = residence.take("vae", Network())
    gc.collect()
    kept("hat")
    assert len(residence._parts["vae"]) == 1


@pytest.fixture
def offloading(components, monkeypatch):
    """A pipeline whose networks may take turns, and which of them came to the device."""
    pipeline, seen = Pipeline(components, "epsilon", CPU, torch.float32), []
    monkeypatch.setattr(pipeline._residence, "_may", True)
    enter = pipeline._residence.enter
    monkeypatch.setattr(pipeline._residence, "enter", lambda part: seen.append(part) or enter(part))
    return pipeline, seen


def test_one_picture_that_does_not_fit_makes_networks_take_turns(
    tiny, offloading, components, make_job, monkeypatch
):
    """The picture is the one that it would have been: noise is drawn anew."""
    pipeline, seen = offloading
    forward, calls = components.unet.forward, []

    def tight(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **kwargs)

    job = make_job()
    expected = tiny.latents([job])
    monkeypatch.setattr(components.unet, "forward", tight)
    assert torch.equal(pipeline.latents([job]), expected)
    assert pipeline._residence._in_turn
    assert "texts" in seen
    one, other = (each.picture(expected[0]).astype(int) for each in (pipeline, tiny))
    assert np.abs(one - other).max() <= 1
    assert seen[-1] == "vae"


def test_a_batch_that_does_not_fit_is_for_the_caller_to_halve(
    offloading, components, make_job, monkeypatch
):
    pipeline, _ = offloading

    def tight(*args, **kwargs):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(components.unet, "forward", tight)
    with pytest.raises(MemoryError):
        pipeline.latents([make_job(seed=seed) for seed in (1, 2)])
    assert not pipeline._residence._in_turn
    with pytest.raises(MemoryError):
        pipeline.latents([make_job()])
    assert pipeline._residence._in_turn


def test_tiles_come_before_turns(offloading, components, monkeypatch):
    pipeline, _ = offloading
    decode = components.vae.decode

    def tight(latent):
        if not components.vae.use_tiling:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return decode(latent)

    monkeypatch.setattr(components.vae, "decode", tight)
    pipeline.picture(torch.zeros(4, 8, 8))
    assert not pipeline._residence._in_turn


def test_a_switch_asks_for_turns_from_the_start(components):
    pipeline = Pipeline(components, "epsilon", CPU, torch.float32, speed=Speed(offload=True))
    assert not pipeline._residence._in_turn  # a CPU has nowhere to send them
