from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime")

import msgspec  # noqa: E402

from tagkit.rendering.detailing import detailed  # noqa: E402
from tagkit.rendering.detecting import Found  # noqa: E402
from tagkit.rendering.job import DetailerPass  # noqa: E402
from tagkit.rendering.spots import chosen, masks_of, part_of, spots_of  # noqa: E402

LEFT, MIDDLE, RIGHT = (4, 40, 24, 60), (50, 44, 78, 72), (100, 6, 116, 30)


class Colours:
    """A pipeline whose latents are the colours of 8x8 pixels; a prompt is the colour it paints.

    `seen`: the passes of every batch. most: more crops at once are too many.
    """

    most_pixels = 1024 * 1024

    def __init__(self, most=8):
        self.seen = []
        self.most = most

    def encoded(self, pictures):
        pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
        return torch.nn.functional.avg_pool2d(pixels, 8)

    def repainted(self, latents, passes, mask=None):
        if len(passes) > self.most:
            raise MemoryError
        self.seen.append(list(passes))
        colours = torch.tensor([[int(value) for value in each.prompt.split()] for each in passes])
        return torch.where(mask > 0, colours[:, :, None, None].float(), latents)

    def picture(self, latent):
        large = latent.repeat_interleave(8, 1).repeat_interleave(8, 2)
        return large.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def picture(value=100, width=128, height=128):
    return np.full((height, width, 3), value, np.uint8)


def finds(*boxes):
    """A detector that finds these boxes, the first with the best score, in every picture."""
    return lambda _: (
        lambda picture, confidence: [
            Found(box, 0.9 - 0.1 * at)
            for at, box in enumerate(boxes)
            if 0.9 - 0.1 * at >= confidence
        ]
    )


@pytest.fixture
def job(make_job):
    return make_job(prompt="255 0 0", negative="", width=64, height=64, seed=7)


def with_passes(job, *passes):
    return msgspec.structs.replace(job, detailer=passes)


FACE = DetailerPass("face", prompt="255 0 0", padding=8)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["main", "main", "main"]),
        ("a", ["a", "a", "a"]),
        ("a[SEP]b", ["a", "b", "b"]),
        ("a \n [SEP]  b", ["a", "b", "b"]),
        ("[SEP]b", ["main", "b", "b"]),
        ("a[SEP][SEP]c", ["a", "main", "c"]),
        ("a[SEP]", ["a", "main", "main"]),
        ("[SKIP][SEP]b", ["[SKIP]", "b", "b"]),
        ("[PROMPT], x", [" main , x"] * 3),
        ("x[PROMPT][SEP][PROMPT][PROMPT]", ["x main ", " main  main ", " main  main "]),
        ("[sep]", ["[sep]"] * 3),
        ("a[SEP]b[SEP]c[SEP]d", ["a", "b", "c"]),
    ],
)
def test_parts_of_a_prompt(text, parts):
    assert [part_of(text, "main", place) for place in range(3)] == parts


def test_each_mask_has_its_part_its_seed_and_may_be_skipped(job):
    settings = msgspec.structs.replace(
        FACE, prompt="0 0 1[SEP] [SKIP] [SEP]0 0 3", negative="x[SEP]y", steps=9, cfg=3.5,
        sampler="euler", scheduler="karras",
    )  # fmt: skip
    found = [Found(box, 0.9) for box in (LEFT, MIDDLE, RIGHT)]
    spots = list(spots_of(0, picture(), found, job, settings))
    assert [(each.drawing.prompt, each.drawing.negative) for each in spots] == [
        ("0 0 1", "x"),
        ("0 0 3", "y"),
    ]
    assert [each.drawing.seed for each in spots] == [7, 9]
    one = spots[0].drawing
    assert (one.steps, one.cfg, one.sampler, one.scheduler) == (9, 3.5, "euler", "karras")
    assert (one.denoise, one.exact, one.rng) == (0.4, False, "cpu")


def test_what_a_pass_leaves_out_is_the_first_pass_s(job):
    (spot,) = spots_of(0, picture(), [Found(LEFT, 0.9)], job, DetailerPass("face", cfg=0.0))
    drawing = spot.drawing
    assert (drawing.prompt, drawing.negative, drawing.steps) == ("255 0 0", "", job.steps)
    assert (drawing.cfg, drawing.sampler) == (0.0, job.sampler)
    assert (spot.width, spot.height) == (64, 64)


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ({}, [LEFT, MIDDLE, RIGHT]),
        ({"top_k": 2}, [MIDDLE, LEFT]),
        ({"top_k": 2, "select": "confidence"}, [LEFT, MIDDLE]),
        ({"top_k": 1, "select": "confidence"}, [LEFT]),
        ({"top_k": 9}, [MIDDLE, LEFT, RIGHT]),
        ({"min_ratio": 0.024}, [LEFT, MIDDLE]),
        ({"max_ratio": 0.025}, [LEFT, RIGHT]),
        ({"sort": "left-to-right", "top_k": 2}, [LEFT, MIDDLE]),
        ({"sort": "center-to-edge"}, [MIDDLE, LEFT, RIGHT]),
        ({"sort": "area"}, [MIDDLE, LEFT, RIGHT]),
        ({"max_ratio": 0.01}, []),
    ],
    ids=str,
)
def test_which_finds_are_drawn_in_which_order(settings, order):
    found = [Found(box, 0.9 - at / 10) for at, box in enumerate((LEFT, MIDDLE, RIGHT))]
    kept = chosen(found, DetailerPass("face", **settings), 128, 128)
    assert [each.box for each in kept] == order


def extent(mask):
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_masks_are_moved_up_and_to_the_right_then_dilated():
    settings = DetailerPass("face", x_offset=10, y_offset=5, dilate=0)
    (mask,) = masks_of([Found(LEFT, 0.9)], settings, 128, 128)
    assert extent(mask) == (14, 35, 34, 55)
    (mask,) = masks_of([Found(LEFT, 0.9)], DetailerPass("face"), 128, 128)
    assert extent(mask) == (3, 39, 26, 62)


@pytest.mark.parametrize("edge", [24.0, 24.5, 25.0, 25.5, 26.0, 26.5, 27.0, 27.5])
def test_a_box_that_trembles_gives_the_same_mask(edge):
    """What batches of another length round otherwise must not move a crop."""
    settings, found = DetailerPass("face", dilate=0), []
    for off in (-0.01, 0, 0.01):
        box = (edge + off, edge - off, edge + 36 - off, edge + 48 + off)
        found.append(masks_of([Found(box, 0.9)], settings, 128, 128)[0])
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    expected = np.array([edge, edge, edge + 36, edge + 48])
    assert np.abs(np.array(extent(found[0])) - expected).max() <= 2.5


def test_a_mask_of_which_nothing_is_left_is_dropped():
    settings = DetailerPass("face", dilate=-30)
    masks = masks_of([Found(LEFT, 0.9), Found(MIDDLE, 0.8)], settings, 128, 128)
    assert masks == []
    assert masks_of([Found((0, 0, 99, 99), 0.9)], settings, 128, 128)


def test_a_mask_that_blurs_away_is_not_drawn(job):
    settings = DetailerPass("face", dilate=0, blur=64)
    assert [*spots_of(0, picture(), [Found((9, 9, 9, 9), 0.9)], job, settings)] == []


def test_the_shape_that_a_detector_gives_is_the_mask():
    shape = np.zeros((128, 128), bool)
    shape[20:30, 20:25] = True
    (mask,) = masks_of([Found(MIDDLE, 0.9, shape)], DetailerPass("face", dilate=0), 128, 128)
    assert extent(mask) == (20, 20, 24, 29)


def test_what_is_found_is_painted_and_nothing_else(job):
    (result,) = detailed([picture()], [with_passes(job, FACE)], finds(MIDDLE), Colours())
    inside, outside = result[56:61, 62:67], result.copy()
    assert (inside == [255, 0, 0]).all()
    outside[30:86, 36:92] = 100
    assert (outside == 100).all()


def test_a_picture_without_finds_is_returned_as_it_is(job):
    before, pipeline = picture(), Colours()
    results = detailed([before, before], [with_passes(job, FACE), job], finds(), pipeline)
    assert results[0] is before
    assert results[1] is before
    assert pipeline.seen == []
    assert detailed([], [], finds(), pipeline) == []


def test_crops_of_many_pictures_are_one_batch(job):
    jobs = [with_passes(msgspec.structs.replace(job, seed=seed), FACE) for seed in (7, 20, 30)]
    pipeline = Colours()
    detailed([picture()] * 3, jobs, finds(LEFT, RIGHT), pipeline)
    assert [[each.seed for each in batch] for batch in pipeline.seen] == [[7, 20, 30], [8, 21, 31]]


def test_what_cannot_share_a_batch_does_not(job):
    other = msgspec.structs.replace(FACE, steps=5)
    wide = msgspec.structs.replace(FACE, width=128, height=64)
    jobs = [with_passes(job, each) for each in (FACE, other, wide, FACE)]
    pipeline = Colours()
    detailed([picture()] * 4, jobs, finds(LEFT), pipeline)
    assert [len(batch) for batch in pipeline.seen] == [2, 1, 1]


def test_too_much_at_once_is_for_the_caller_to_divide(job):
    jobs = [with_passes(job, FACE)] * 3
    with pytest.raises(MemoryError):
        detailed([picture()] * 3, jobs, finds(MIDDLE), Colours(most=2))


def test_a_large_crop_is_drawn_alone(job):
    pipeline = Colours()
    pipeline.most_pixels = 2 * 64 * 64
    detailed([picture()] * 5, [with_passes(job, FACE)] * 5, finds(MIDDLE), pipeline)
    assert [len(batch) for batch in pipeline.seen] == [2, 2, 1]


def test_each_mask_and_each_detector_sees_the_picture_so_far(job):
    """The second box lies in the first; a second detector finds only what the first has painted."""
    green = DetailerPass("green", prompt="0 255 0", blur=0, padding=8)

    def open_detector(settings):
        def detect(image, confidence):
            if settings.detector == "face":
                return [Found((40, 40, 90, 90), 0.9), Found((50, 50, 70, 70), 0.8)]
            red = (image == [255, 0, 0]).all(axis=2)
            return [Found((80, 80, 88, 88), 0.9)] if red.any() else []

        return detect

    first = msgspec.structs.replace(FACE, prompt="255 0 0[SEP]0 0 255", blur=0)
    (result,) = detailed([picture()], [with_passes(job, first, green)], open_detector, Colours())
    assert (result[44, 44] == [255, 0, 0]).all()
    assert (result[60, 60] == [0, 0, 255]).all()
    assert (result[84, 84] == [0, 255, 0]).all()


def test_a_whole_picture_is_drawn_at_its_own_size(job):
    whole = msgspec.structs.replace(FACE, only_masked=False)
    (spot,) = spots_of(0, picture(width=192), [Found(LEFT, 0.9)], job, whole)
    assert (spot.width, spot.height) == (192, 128)
    (result,) = detailed([picture(width=192)], [with_passes(job, whole)], finds(MIDDLE), Colours())
    assert result.shape == (128, 192, 3)
    assert (result[56, 64] == [255, 0, 0]).all()
    assert (result[:, 120:] == 100).all()


def test_the_tiny_model_draws_faces_alike_alone_and_in_company(tiny, make_job):
    jobs = [
        make_job(seed=seed, prompt=prompt, detailer=(DetailerPass("face", padding=8, denoise=0.6),))
        for seed, prompt in ((1, "1girl, blue hair"), (2, "1girl, red hair"))
    ]
    pictures = [tiny.picture(latent) for latent in tiny.latents(jobs)]
    detector = finds((16, 16, 40, 40), (30, 34, 58, 60))
    together = detailed(pictures, jobs, detector, tiny)
    for before, job, result in zip(pictures, jobs, together, strict=True):
        (alone,) = detailed([before], [job], detector, tiny)
        assert np.abs(alone.astype(int) - result).max() <= 3
        assert np.abs(before.astype(int) - result).max() > 3
        assert np.array_equal(before[:4], result[:4])
