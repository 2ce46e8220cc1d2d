from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.cards import Buckets
from tagkit.errors import UserError
from tagkit.training.buckets import Size, bucket_of, bucket_sizes, fitted

SDXL = Buckets(min=256, max=4096, step=32)


def test_the_buckets_of_sdxl_hold_its_own_sizes():
    sizes = bucket_sizes(SDXL)
    assert Size(1024, 1024) in sizes
    assert {Size(832, 1216), Size(1216, 832), Size(896, 1152)} <= {*sizes}
    assert Size(4096, 256) in sizes


@given(st.integers(8, 64), st.integers(8, 200), st.integers(1, 8), st.integers(8, 100))
def test_every_bucket_keeps_the_limits(low, high, step, resolution):
    buckets = Buckets(resolution * 8, low * 8, high * 8, step * 8)
    try:
        sizes = bucket_sizes(buckets)
    except UserError:
        return
    for width, height in sizes:
        assert buckets.min <= min(width, height) <= max(width, height) <= buckets.max
        assert not width % buckets.step
        assert not height % buckets.step
        assert width * height <= buckets.resolution**2
        assert Size(height, width) in sizes


def test_limits_that_leave_no_size_are_named():
    with pytest.raises(UserError, match="no bucket has sides 512 to 2048"):
        bucket_sizes(Buckets(resolution=256))


@pytest.mark.parametrize(
    ("picture", "bucket"),
    [((2000, 2000), (1024, 1024)), ((832, 1216), (832, 1216)), ((9000, 600), (3840, 256))],
)
def test_a_picture_comes_to_the_nearest_shape(picture, bucket):
    assert bucket_of(*picture, bucket_sizes(SDXL), SDXL) == Size(*bucket)


def test_small_pictures_keep_their_size_where_nothing_is_enlarged():
    buckets = Buckets(resolution=192, min=64, max=256, step=32, upscale=False)
    sizes = bucket_sizes(buckets)
    assert bucket_of(128, 128, sizes, buckets) == Size(128, 128)
    assert bucket_of(130, 190, sizes, buckets) == Size(128, 160)
    assert bucket_of(400, 400, sizes, buckets) == Size(192, 192)


@given(st.integers(32, 5000), st.integers(32, 5000))
def test_a_fitted_picture_covers_its_bucket_and_is_cut_on_two_sides_at_most(width, height):
    size = bucket_of(width, height, bucket_sizes(SDXL), SDXL)
    fit = fitted(width, height, size)
    assert (fit.width, fit.height) >= size
    assert fit.width == size.width or fit.height == size.height
    assert 0 <= fit.left <= fit.width - size.width
    assert 0 <= fit.top <= fit.height - size.height
    assert fit.lost == pytest.approx(1 - size.width * size.height / (fit.width * fit.height))
