"""The outputs of YOLO models, read as boxes with scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

# Two finds of one class that share more of their area than this are one; YOLO's own default.
_MOST_SHARED = 0.7
# Exports that end with non-maximum suppression give a few hundred rows, bare heads thousands.
_MOST_ENDED = 1000


class Candidates(NamedTuple):
    """What a model sees in its input, before suppression.

    boxes: (N, 4) left, top, right, bottom in pixels of the input. scores, classes: (N,).
    coefficients: (N, M) weights of the `prototypes`, (M, h, w), which add up to masks; M may be 0.
    """

    boxes: Floats
    scores: Floats
    classes: npt.NDArray[np.intp]
    coefficients: Floats
    prototypes: Floats


def read_candidates(
    outputs: Sequence[npt.NDArray[Any]], classes: int | None, ended: bool
) -> Candidates:
    """Reads (1, 4 + classes, N) as of YOLOv8, (1, N, 5 + classes) as of YOLOv5, or (1, N, 6) as of
    exports that end with suppression; M mask coefficients may follow, with prototypes as the
    second output. Other columns behind the classes (key points) are passed over.

    classes: how many, if the model says so. ended: the model says that it ends with suppression.
    Raises ValueError that says what is odd.
    """
    first = np.asarray(outputs[0], np.float32)
    if first.ndim != 3 or len(first) != 1:
        raise ValueError(f"its first output has the shape {first.shape}, not (1, …, …)")
    prototypes = np.zeros((0, 1, 1), np.float32)
    if len(outputs) > 1 and outputs[1].ndim == 4:
        prototypes = np.asarray(outputs[1][0], np.float32)
    rows, width = first[0], 6 + len(prototypes)
    if rows.shape[1] == width and (ended or len(rows) <= _MOST_ENDED):
        kinds = rows[:, 5].astype(np.intp)
        return Candidates(rows[:, :4], rows[:, 4], kinds, rows[:, 6:], prototypes)
    if len(rows) < rows.shape[1]:
        return _read(rows.T, 4, classes, prototypes)
    return _read(rows, 5, classes, prototypes)


def _read(rows: Floats, head: int, classes: int | None, prototypes: Floats) -> Candidates:
    """head: columns before the classes; a fifth is the score that there is anything at all."""
    end = rows.shape[1] - len(prototypes)
    count = end - head if classes is None else classes
    if count < 1 or head + count > end:
        raise ValueError(f"rows of {rows.shape[1]} numbers hold no box with {classes or 1} classes")
    by_class = rows[:, head : head + count]
    kinds = by_class.argmax(axis=1)
    scores = by_class.max(axis=1) * (rows[:, 4] if head == 5 else 1)
    if scores.size and scores.max() > 1.01:
        raise ValueError(f"a score is {scores.max():.1f}; scores are from 0 to 1")
    return Candidates(_corners(rows[:, :4]), scores, kinds, rows[:, end:], prototypes)


def _corners(boxes: Floats) -> Floats:
    """Centre and size as corners."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def suppressed(candidates: Candidates, confidence: float) -> list[int]:
    """Places of the candidates to keep, best first: of those that overlap, the best.

    Greedy non-maximum suppression within each class.
    """
    sound = np.isfinite(candidates.boxes).all(axis=1) & (candidates.scores >= confidence)
    waiting = np.flatnonzero(sound)
    waiting = waiting[np.argsort(-candidates.scores[waiting], kind="stable")]
    kept = []
    while len(waiting):
        best, rest = waiting[0], waiting[1:]
        kept.append(int(best))
        other = candidates.classes[rest] != candidates.classes[best]
        shared = _shared(candidates.boxes[best], candidates.boxes[rest])
        waiting = rest[other | (shared <= _MOST_SHARED)]
    return kept


def _shared(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box with others."""
    inner = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    intersection = inner.clip(0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - intersection
    shared: Floats = intersection / np.maximum(union, 1e-9)
    return shared
