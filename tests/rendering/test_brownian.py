from __future__ import annotations

import pytest

pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

from tagkit.rendering.brownian import BrownianMotion  # noqa: E402

# torchsde 0.2.6: -BrownianTree(0.03, zeros, 14.6, entropy=42)(low, high) / (high - low) ** 0.5
TORCHSDE = {
    (14.6, 9.5): [-0.665906, 1.26389, -1.676569],
    (9.5, 2.25): [0.361173, 0.220483, 0.518803],
    (2.25, 0.07): [1.485356, 0.904505, 0.338719],
    (0.07, 0.03): [0.41332, 2.079879, -1.201406],
}


def test_the_numbers_are_those_of_torchsde():
    motion = BrownianMotion("cpu", 42, (1, 1, 3), 0.03, 14.6)
    for (above, below), expected in TORCHSDE.items():
        assert motion.noise(above, below).flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_a_way_does_not_depend_on_what_was_asked_before():
    shape = (4, 8, 8)
    alone = BrownianMotion("cpu", 1, shape, 0.03, 14.6).noise(3.0, 2.0)
    motion = BrownianMotion("cpu", 1, shape, 0.03, 14.6)
    for above, below in [(14.6, 9.0), (9.0, 5.0), (5.0, 3.0)]:
        motion.noise(above, below)
    assert torch.equal(motion.noise(3.0, 2.0), alone)


def test_two_halves_are_the_whole_way():
    motion = BrownianMotion("cpu", 1, (4, 8, 8), 0.03, 14.6)
    upper, lower = motion.noise(9.0, 4.0) * 5**0.5, motion.noise(4.0, 2.0) * 2**0.5
    assert torch.allclose(upper + lower, motion.noise(9.0, 2.0) * 7**0.5, atol=1e-5)


@pytest.mark.parametrize("rng", ["cpu", "nv"])
@pytest.mark.parametrize(("above", "below"), [(14.6, 9.0), (2.0, 1.9), (0.04, 0.03), (14.6, 0.03)])
def test_ways_are_standard_normal_noise(rng, above, below):
    noise = BrownianMotion(rng, 2**40, (4, 50, 50), 0.03, 14.6).noise(above, below)
    assert noise.mean().abs() < 0.05
    assert abs(noise.std() - 1) < 0.05


def test_ways_beside_one_another_have_nothing_in_common():
    motion = BrownianMotion("cpu", 1, (4, 50, 50), 0.03, 14.6)
    together = torch.stack([motion.noise(9.0, 4.0).flatten(), motion.noise(4.0, 2.0).flatten()])
    assert torch.corrcoef(together)[0, 1].abs() < 0.05


def test_levels_outside_are_its_ends():
    """Levels are single precision, and rounded ones may lie a little outside."""
    motion = BrownianMotion("cpu", 1, (4, 8, 8), 0.03, 14.614641189)
    assert motion.noise(14.61464119, 0.03).isfinite().all()
