"""Faces, hands and the like, found by a YOLO model in ONNX form; ultralytics is not needed.

It runs on the CPU on every machine, so that one recipe finds the same boxes everywhere: a tenth of
a second beside the seconds of drawing.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnxruntime
from PIL import Image

from tagkit.errors import UserError
from tagkit.rendering.yolo import Candidates, read_candidates, suppressed

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]

# What YOLO pads with, its usual input, and its usual limit of finds in a picture.
_GREY = 114
_USUAL_SIDES = (640, 640)
_MOST = 300
_TASKS = ("detect", "segment", "pose")


class Found(NamedTuple):
    """Something found. box: left, top, right, bottom in pixels, within the picture.

    mask: its shape, (height, width) of the whole picture; None of a model that gives boxes only.
    """

    box: tuple[float, float, float, float]
    score: float
    mask: Mask | None = None


class Letterbox(NamedTuple):
    """How a picture lies in a model's input: scaled, then moved by `left` and `top` pixels."""

    scale: float
    left: int
    top: int


class Detector:
    """A YOLO model in a file. Raises UserError for a file that is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session = _opened(path)
        self._facts = self._session.get_modelmeta().custom_metadata_map
        task = self._facts.get("task", "detect")
        if task not in _TASKS:
            raise UserError(f"`{path}` is a YOLO model to {task}, not a detector")
        self._classes = len(_stated(self._facts, "names")) or None
        self._input = self._session.get_inputs()[0]
        self._height, self._width = self._sides()
        self._candidates(np.zeros((self._height, self._width, 3), np.uint8))

    def __call__(self, picture: Picture, confidence: float) -> list[Found]:
        """What is found in a (height, width, 3) picture with at least this score, best first."""
        boxed, letterbox = letterboxed(picture, self._width, self._height)
        candidates = self._candidates(boxed)
        found = []
        for at in suppressed(candidates, confidence)[:_MOST]:
            box = _placed(candidates.boxes[at], letterbox, picture)
            if box[2] - box[0] >= 1 and box[3] - box[1] >= 1:
                mask = self._mask(candidates, at, letterbox, picture)
                found.append(Found(box, float(candidates.scores[at]), mask))
        return found

    def _candidates(self, boxed: Picture) -> Candidates:
        pixels = boxed.transpose(2, 0, 1)[None] / np.float32(255)
        dtype = np.float16 if "float16" in self._input.type else np.float32
        ended = "True" in (self._facts.get("nms"), self._facts.get("end2end"))
        try:
            outputs = self._session.run(None, {self._input.name: pixels.astype(dtype)})
            return read_candidates(outputs, self._classes, ended)
        except Exception as error:
            what = f"`{self._path}` does not answer as a YOLO detector"
            hint = "(1, 4+classes, N), (1, N, 5+classes) and (1, N, 6) are read"
            raise UserError(what, " ".join(str(error).split())[:300], hint) from error

    def _sides(self) -> tuple[int, int]:
        """Height and width of the input: the model's own, else its metadata's, else YOLO's."""
        kind, shape = self._input.type, self._input.shape
        if "float" not in kind or len(shape) != 4 or shape[1] not in (3, "channels"):
            what = f"`{self._path}` does not read pictures as YOLO does"
            raise UserError(what, f"its input is {kind} {shape}, not float (1, 3, height, width)")
        stated = _stated(self._facts, "imgsz") or _USUAL_SIDES
        height, width = (
            own if isinstance(own, int) else int(said)
            for own, said in zip(shape[2:], stated, strict=True)
        )
        return height, width

    def _mask(
        self, candidates: Candidates, at: int, letterbox: Letterbox, picture: Picture
    ) -> Mask | None:
        """Prototypes weighted and added, scaled to the picture, and cut off at the box."""
        if not len(candidates.prototypes):
            return None
        tall, wide = picture.shape[:2]
        logits = np.tensordot(candidates.coefficients[at], candidates.prototypes, 1)
        steps = np.array([self._width / logits.shape[1], self._height / logits.shape[0]] * 2)
        corner = np.array([letterbox.left, letterbox.top])
        extent = np.array([wide, tall]) * letterbox.scale
        region = np.concatenate([corner, corner + extent]) / steps
        region = np.clip(region, 0, [*logits.shape[::-1]] * 2)
        image = Image.fromarray(logits)
        scaled = np.asarray(image.resize((wide, tall), Image.Resampling.BILINEAR, tuple(region)))
        left, top, right, bottom = _placed(candidates.boxes[at], letterbox, picture)
        mask = np.zeros((tall, wide), np.bool_)
        inside = slice(round(top), round(bottom)), slice(round(left), round(right))
        mask[inside] = scaled[inside] > 0
        return mask


def letterboxed(picture: Picture, width: int, height: int) -> tuple[Picture, Letterbox]:
    """The picture scaled to fit, in the middle of a grey one of this size."""
    tall, wide = picture.shape[:2]
    scale = min(width / wide, height / tall)
    inner = max(1, round(wide * scale)), max(1, round(tall * scale))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    boxed = np.full((height, width, 3), _GREY, np.uint8)
    resized = Image.fromarray(picture).resize(inner, Image.Resampling.BILINEAR)
    boxed[top : top + inner[1], left : left + inner[0]] = np.asarray(resized)
    return boxed, Letterbox(scale, left, top)


def _placed(
    box: npt.NDArray[np.float32], letterbox: Letterbox, picture: Picture
) -> tuple[float, float, float, float]:
    """A box of the input in pixels of the picture."""
    tall, wide = picture.shape[:2]
    corners = (box - [letterbox.left, letterbox.top] * 2) / letterbox.scale
    left, top, right, bottom = np.clip(corners, 0, [wide, tall, wide, tall]).tolist()
    return left, top, right, bottom


def _opened(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Threads that spin while they wait would take the cores from torch.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    except Exception as error:
        what = f"cannot load `{path}` as an ONNX model"
        raise UserError(what, " ".join(str(error).split())[:300]) from error


def _stated(facts: dict[str, str], key: str) -> Any:
    """A value of ultralytics' metadata, written as a Python literal; empty if there is none."""
    try:
        return ast.literal_eval(facts.get(key, "()"))
    except (ValueError, SyntaxError):
        return ()
