from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from onnx_files import TensorProto, v5, v8, write_onnx  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.detecting import Detector, letterboxed  # noqa: E402
from tagkit.rendering.yolo import Candidates, suppressed  # noqa: E402

SQUARE = np.full((64, 64, 3), 200, np.uint8)


def boxes(found):
    return [tuple(round(side, 3) for side in each.box) for each in found]


def test_heads_of_v8_are_centre_size_and_scores_by_column(tmp_path):
    path = write_onnx(tmp_path / "m.onnx", v8((20, 30, 10, 20, 0.9), (50, 50, 8, 8, 0.2)))
    found = Detector(path)(SQUARE, 0.3)
    assert boxes(found) == [(15, 20, 25, 40)]
    assert found[0].score == pytest.approx(0.9)
    assert len(Detector(path)(SQUARE, 0.1)) == 2


def test_heads_of_v5_multiply_by_objectness(tmp_path):
    rows = v5((20, 30, 10, 20, 0.8, 0.1, 0.5), (50, 50, 8, 8, 0.1, 0.9, 0.1))
    found = Detector(write_onnx(tmp_path / "m.onnx", rows))(SQUARE, 0.3)
    assert boxes(found) == [(15, 20, 25, 40)]
    assert found[0].score == pytest.approx(0.4)


def test_exports_with_suppression_give_corners(tmp_path):
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, 0] = (15, 20, 25, 40, 0.7, 0)
    assert boxes(Detector(write_onnx(tmp_path / "m.onnx", rows))(SQUARE, 0.3)) == [(15, 20, 25, 40)]
    many = np.zeros((1, 1500, 6), np.float32)
    many[0, 0] = (15, 20, 25, 40, 0.7, 0)
    path = write_onnx(tmp_path / "e.onnx", many, end2end="True")
    assert boxes(Detector(path)(SQUARE, 0.3)) == [(15, 20, 25, 40)]


def test_key_points_behind_the_classes_are_passed_over(tmp_path):
    rows = v8((20, 30, 10, 20, 0.9, 7, 7, 7))
    path = write_onnx(tmp_path / "m.onnx", rows, task="pose", names="{0: 'face'}")
    assert boxes(Detector(path)(SQUARE, 0.3)) == [(15, 20, 25, 40)]


def test_masks_of_a_segmentation_head_are_cut_off_at_the_box(tmp_path):
    prototypes = np.full((1, 2, 16, 16), -1, np.float32)
    prototypes[0, 0, :, 6:] = 1  # right of column 24 of 64
    path = write_onnx(
        tmp_path / "m.onnx", v8((32, 32, 32, 32, 0.9, 1.0, 0.0)), prototypes, task="segment"
    )
    (found,) = Detector(path)(SQUARE, 0.3)
    assert boxes([found]) == [(16, 16, 48, 48)]
    assert found.mask.shape == (64, 64)
    rows, columns = np.nonzero(found.mask)
    assert (rows.min(), rows.max(), columns.max()) == (16, 47, 47)
    assert columns.min() in (23, 24, 25)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (128, 64), (50, 200), (33, 77), (7, 3)])
def test_boxes_come_back_in_pixels_of_the_picture(tmp_path, width, height):
    """A model that marks the whole input marks the whole picture, whatever its shape."""
    path = write_onnx(tmp_path / "m.onnx", v8((32, 32, 64, 64, 0.9)))
    (found,) = Detector(path)(np.zeros((height, width, 3), np.uint8), 0.3)
    assert found.box == (0, 0, width, height)


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_letterbox_holds_the_whole_picture_in_the_middle(width, height):
    boxed, place = letterboxed(np.zeros((height, width, 3), np.uint8), 64, 96)
    assert boxed.shape == (96, 64, 3)
    rows, columns = np.nonzero((boxed == 0).all(axis=2))
    assert abs((columns.min() + columns.max() + 1) / 2 - 32) <= 1
    assert abs((rows.min() + rows.max() + 1) / 2 - 48) <= 1
    assert (columns.min(), rows.min()) == (place.left, place.top)
    assert (boxed[0, 0] == 114).all() or place.left == place.top == 0


def candidates(*rows):
    """Rows of left, top, right, bottom, score, class."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    nothing = np.zeros((len(table), 0), np.float32)
    return Candidates(
        table[:, :4], table[:, 4], table[:, 5].astype(int), nothing, np.zeros((0, 1, 1))
    )


def test_of_what_overlaps_the_best_is_kept():
    box, shifted, apart = (0, 0, 10, 10), (0, 1, 10, 11), (5, 0, 15, 10)
    found = candidates((*box, 0.5, 0), (*shifted, 0.9, 0), (*apart, 0.7, 0), (*box, 0.6, 1))
    assert suppressed(found, 0.3) == [1, 2, 3]


def test_what_is_no_number_is_no_find():
    found = candidates((0, 0, float("nan"), 10, 0.9, 0), (0, 0, 5, 5, float("nan"), 0))
    assert suppressed(found, 0.3) == []


def overlap(one, other):
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    both = max(wide, 0) * max(tall, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (areas - both)


SIDES = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))


@given(st.lists(st.tuples(SIDES, st.integers(1, 99)), max_size=12))
def test_suppression_leaves_no_two_alike_and_drops_none_without_a_better(drawn):
    rows = [
        (left, top, left + wide, top + tall, score / 100, 0)
        for (left, top, wide, tall), score in drawn
    ]
    kept = suppressed(candidates(*rows), 0.0)
    assert [rows[at][4] for at in kept] == sorted((rows[at][4] for at in kept), reverse=True)
    for at, row in enumerate(rows):
        near = [each for each in kept if overlap(rows[each], row) > 0.7 and each != at]
        if at in kept:
            assert not near
        else:
            assert any(rows[each][4] >= row[4] for each in near)


@pytest.mark.parametrize(
    ("outputs", "facts", "said"),
    [
        ([np.zeros((1, 1000), np.float32)], {}, r"shape \(1, 1000\)"),
        ([np.zeros((2, 5, 84), np.float32)], {}, "shape"),
        ([np.zeros((1, 4, 84), np.float32)], {}, "4 numbers"),
        ([v8((1, 1, 1, 1, 0.5))], {"names": "{0: 'a', 1: 'b'}"}, "2 classes"),
        ([v8((1, 1, 1, 1, 9.0))], {}, "a score is 9.0"),
        ([v8((1, 1, 1, 1, 0.5))], {"task": "classify"}, "classify"),
    ],
    ids=["flat", "batch", "no class", "more classes", "logits", "task"],
)
def test_what_is_no_detector_is_named_when_it_is_opened(tmp_path, outputs, facts, said):
    path = write_onnx(tmp_path / "odd.onnx", *outputs, **facts)
    with pytest.raises(UserError, match=said) as caught:
        Detector(path)
    assert "odd.onnx" in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 64, 64, 3), (1, 3, 64), (1, 1, 64, 64)])
def test_an_input_that_is_no_picture_is_named(tmp_path, shape):
    path = write_onnx(tmp_path / "odd.onnx", v8((1, 1, 1, 1, 0.5)), shape=shape)
    with pytest.raises(UserError, match="does not read pictures"):
        Detector(path)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08"])
def test_a_file_that_is_no_model_is_named(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot load `.*m\.onnx`"):
        Detector(tmp_path / "m.onnx")
    with pytest.raises(UserError, match="cannot load"):
        Detector(tmp_path / "missing.onnx")


def test_free_and_half_precision_inputs(tmp_path):
    free = write_onnx(tmp_path / "f.onnx", v8((32, 32, 64, 64, 0.9)), shape=(1, 3, "h", "w"))
    assert boxes(Detector(free)(np.zeros((640, 640, 3), np.uint8), 0.3)) == [(0, 0, 64, 64)]
    stated = write_onnx(
        tmp_path / "s.onnx", v8((32, 32, 64, 64, 0.9)), shape=(1, 3, "h", "w"), imgsz="[64, 64]"
    )
    assert boxes(Detector(stated)(SQUARE, 0.3)) == [(0, 0, 64, 64)]
    half = write_onnx(tmp_path / "h.onnx", v8((32, 32, 64, 64, 0.9)), dtype=TensorProto.FLOAT16)
    assert boxes(Detector(half)(SQUARE, 0.3)) == [(0, 0, 64, 64)]
