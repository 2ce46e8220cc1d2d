from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

from tagkit.rendering.noise import BatchNoise, noise_stream, philox_normal  # noqa: E402

# What CUDA draws for seed 0, as A1111's tests of its own generator have it.
CUDA = [
    [-0.92466259, -0.42534415, -2.6438457, 0.14518388],
    [-0.12086647, -0.57972564, -0.62285122, -0.32838709],
    [-1.07454231, -0.36314407, -1.67105067, 2.26550497],
]


def test_nv_noise_is_that_of_cuda():
    assert np.abs(philox_normal(0, 0, (3, 4)) - np.array(CUDA)).max() < 1e-6


def test_nv_noise_moves_on_with_every_draw():
    stream = noise_stream("nv", 7)
    first, second = stream((4, 8, 8)), stream((4, 8, 8))
    assert not torch.equal(first, second)
    assert torch.equal(second, torch.from_numpy(philox_normal(7, 1, (4, 8, 8))))


def test_nv_noise_is_normal_and_knows_seeds_above_32_bits():
    noise = philox_normal(2**40 + 3, 0, (100_000,))
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert not np.array_equal(noise[:10], philox_normal(3, 0, (10,)))


def test_cpu_noise_is_that_of_a_torch_generator():
    generator = torch.Generator("cpu").manual_seed(5)
    stream = noise_stream("cpu", 5)
    for _ in range(3):
        assert torch.equal(stream((4, 8, 8)), torch.randn((4, 8, 8), generator=generator))


@pytest.mark.parametrize("rng", ["cpu", "nv"])
def test_a_picture_in_a_batch_has_the_noise_that_it_has_alone(rng):
    def noises(seeds):
        noise = BatchNoise(rng, seeds, (4, 4, 4), torch.device("cpu"))
        between = noise.brownian(0.03, 14.6)
        way = between(torch.tensor(5.0), torch.tensor(2.0))
        return noise.draw(), noise.draw(), way

    for together, alone in zip(noises([3, 7]), noises([7]), strict=True):
        assert together.shape == (2, 4, 4, 4)
        assert torch.equal(together[1], alone[0])
