"""Masks and crops, against slow loops written from the description of A1111's inpainting."""

from __future__ import annotations

import math

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("PIL")

from hypothesis import example, given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from tagkit.rendering.masking import (  # noqa: E402
    Region,
    blurred,
    box_mask,
    cropped,
    dilated,
    grown,
    latent_mask,
    masked_region,
    pasted,
)

MASKS = st.builds(
    lambda seed, height, width: (
        np.random.default_rng(seed).integers(0, 2, (height, width)).astype(np.uint8) * 255
    ),
    st.integers(0, 99), st.integers(4, 12), st.integers(4, 12),
)  # fmt: skip


@given(MASKS, st.integers(-5, 5))
def test_dilation_is_the_largest_under_the_square_and_erosion_the_smallest(mask, size):
    side, best = abs(size), max if size > 0 else min
    height, width = mask.shape
    expected = mask.copy()
    for y in range(height) if side else ():
        for x in range(width):
            # The anchor of OpenCV's square is its middle, rounded up.
            rows = range(max(y - side // 2, 0), min(y - side // 2 + side, height))
            columns = range(max(x - side // 2, 0), min(x - side // 2 + side, width))
            expected[y, x] = best(mask[row, column] for row in rows for column in columns)
    assert np.array_equal(dilated(mask, size), expected)


def test_four_grows_a_box_by_one_to_the_left_and_two_to_the_right():
    grown_box = dilated(box_mask((10, 10, 19, 19), 40, 40), 4)
    assert masked_region(grown_box, 0) == Region(9, 9, 22, 22)
    assert masked_region(dilated(grown_box, -4), 0) == Region(11, 11, 21, 21)


@example(np.pad(np.full((1, 3), 255, np.uint8), ((0, 4), (0, 4))), 0.5)
@given(MASKS, st.sampled_from([0, 0.5, 1, 1.4]))
def test_blur_is_a_gaussian_with_mirrored_edges(mask, sigma):
    if sigma == 0:
        assert blurred(mask, 0) is mask
        return
    reach = (2 * int(2.5 * sigma + 0.5) + 1) // 2
    weights = [math.exp(-(at**2) / (2 * sigma**2)) for at in range(-reach, reach + 1)]
    total = sum(weights)

    def mirrored(at, size):
        at = abs(at) % (2 * size - 2)
        return min(at, 2 * size - 2 - at)

    height, width = mask.shape
    expected = np.zeros(mask.shape)
    for y in range(height):
        for x in range(width):
            for row, down in enumerate(weights, -reach):
                for column, across in enumerate(weights, -reach):
                    value = mask[mirrored(y + row, height), mirrored(x + column, width)]
                    expected[y, x] += value * down * across / total**2
    assert np.abs(blurred(mask, sigma) - expected).max() <= 1


def test_blur_is_the_same_wherever_the_mask_lies():
    alone = blurred(box_mask((30, 30, 39, 44), 70, 80), 3)
    moved = blurred(box_mask((130, 230, 139, 244), 300, 400), 3)
    assert np.array_equal(alone, moved[200:280, 100:170])
    assert moved.astype(int).sum() == alone.astype(int).sum()


def test_blur_of_four_reaches_ten_pixels():
    soft = blurred(box_mask((50, 50, 59, 59), 128, 128), 4)
    assert soft.max() < 255
    region = masked_region(soft, 0)
    assert region.left >= 40
    assert region.right <= 70


def test_a_region_holds_the_mask_and_its_padding_within_the_picture():
    assert masked_region(box_mask((40, 50, 49, 69), 100, 80), 8) == Region(32, 42, 58, 78)
    assert masked_region(box_mask((2, 1, 98, 79), 100, 80), 8) == Region(0, 0, 100, 80)


@pytest.mark.parametrize(
    ("region", "ratio", "expected"),
    [
        ((40, 40, 60, 60), 1.0, (40, 40, 60, 60)),
        ((40, 40, 60, 60), 2.0, (30, 40, 70, 60)),
        ((40, 40, 60, 60), 0.5, (40, 30, 60, 70)),
        ((0, 40, 20, 60), 2.0, (0, 40, 40, 60)),
        ((80, 40, 100, 60), 2.0, (60, 40, 100, 60)),
        ((40, 70, 60, 80), 0.5, (40, 40, 60, 80)),
        ((10, 40, 90, 60), 0.25, (10, 0, 90, 80)),
        ((40, 40, 60, 61), 2.0, (29, 40, 71, 61)),
    ],
)
def test_a_region_grows_to_the_ratio_and_moves_at_edges(region, ratio, expected):
    assert grown(Region(*region), ratio, 100, 80) == Region(*expected)


@given(
    st.integers(0, 99), st.integers(0, 79), st.integers(1, 100), st.integers(1, 80),
    st.floats(0.3, 3),
)  # fmt: skip
def test_a_grown_region_holds_the_old_one_and_stays_inside(left, top, wide, tall, ratio):
    region = Region(left, top, min(left + wide, 100), min(top + tall, 80))
    bigger = grown(region, ratio, 100, 80)
    assert 0 <= bigger.left <= region.left < region.right <= bigger.right <= 100
    assert 0 <= bigger.top <= region.top < region.bottom <= bigger.bottom <= 80
    wide, tall = bigger.size
    if wide < 100 and tall < 80:
        assert abs(wide - tall * ratio) < 1 + ratio


GRADIENT = np.stack(
    [*np.meshgrid(np.linspace(20, 230, 96), np.linspace(20, 230, 64)), np.full((64, 96), 128)], -1
).astype(np.uint8)


@pytest.mark.parametrize("size", [(64, 64), (128, 64), (64, 128), (40, 96)])
def test_a_crop_put_back_unchanged_changes_next_to_nothing(size):
    region = Region(10, 8, 58, 50)
    patch = cropped(GRADIENT, region, *size)
    assert patch.shape == (size[1], size[0], 3)
    back = pasted(GRADIENT, patch, region, np.full((64, 96), 255, np.uint8))
    assert np.abs(back.astype(int) - GRADIENT).max() <= 6


def test_only_the_mask_is_pasted_and_half_a_mask_half():
    region = Region(0, 0, 96, 64)
    mask = np.zeros((64, 96), np.uint8)
    mask[:, 32:64], mask[:, 64:] = 128, 255
    red = np.zeros((64, 96, 3), np.uint8)
    red[..., 0] = 255
    result = pasted(GRADIENT, red, region, mask)
    assert np.array_equal(result[:, :32], GRADIENT[:, :32])
    assert np.array_equal(result[:, 64:], red[:, 64:])
    mixed = GRADIENT[:, 32:64] * (127 / 255) + red[:, 32:64] * (128 / 255)
    assert np.abs(result[:, 32:64] - mixed).max() <= 0.51
    assert not np.shares_memory(result, GRADIENT)


def test_the_latent_mask_is_zero_or_one():
    mask = blurred(box_mask((32, 32, 95, 95), 128, 128), 4)
    small = latent_mask(mask)
    assert small.shape == (16, 16)
    assert set(np.unique(small)) == {0, 1}
    assert small[4:12, 4:12].mean() > 0.9
    assert small[:3].sum() == small[13:].sum() == 0


def test_a_box_holds_its_edges():
    assert masked_region(box_mask((3, 4, 10, 12), 20, 20), 0) == Region(3, 4, 11, 13)
    assert box_mask((18, 18, 25, 25), 20, 20).sum() == 4 * 255
