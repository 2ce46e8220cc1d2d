"""Train `models/detector/tiny-face.onnx` on the pictures of `bust_drawing.py`.

    nice python scripts/train_detector.py

Needs the packages torch, diffusers, onnxruntime and onnx. Many pictures go through the tiny VAE, so
that it knows how rendered ones look. A few convolutions, one prediction for every 8x8
pixels, written in the output form of YOLOv8: (1, 5, N), boxes as centre and size, then the score.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

import numpy as np
import onnx
import torch
from bust_drawing import Picture, draw_any
from diffusers import AutoencoderTiny
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tagkit.rendering.detecting import Detector, letterboxed

MODELS = Path(__file__).parent.parent / "models"
TARGET = MODELS / "detector" / "tiny-face.onnx"
SIDE, STRIDE = 192, 8
CELLS = SIDE // STRIDE
# (output channels, stride, dilation) of each 3x3 convolution; the last ones see most of a picture.
LAYERS = [
    (16, 2, 1),
    (24, 2, 1),
    (40, 2, 1),
    (40, 1, 1),
    (40, 1, 2),
    (40, 1, 4),
    (40, 1, 6),
    (40, 1, 1),
]
POOL, BATCH, SEED = 6000, 32, 1
HELD_OUT, CONFIDENCE = 400, 0.3
REDRAWN, SHAKEN = 0.4, 0.15


def network() -> nn.Sequential:
    """Pictures (n, 3, SIDE, SIDE) from 0 to 1 to (n, 5, CELLS, CELLS): raw distances and score."""
    layers: list[nn.Module] = []
    channels = 3
    for width, stride, dilation in LAYERS:
        convolution = nn.Conv2d(channels, width, 3, stride, dilation, dilation, bias=False)
        layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    last = nn.Conv2d(channels, 5, 1)
    nn.init.constant_(last.bias[4:], -4.0)
    return nn.Sequential(*layers, last)


def example(random: Random, vae: AutoencoderTiny) -> tuple[np.ndarray, np.ndarray]:
    """A letterboxed picture, and its faces (k, 4) as corners in pixels of the input."""
    picture = draw_any(random, random.choice([96, 128, 160, 192, 224]))
    pixels = np.asarray(picture.image)
    if random.random() < REDRAWN:
        pixels = redrawn(vae, pixels)
    boxed, place = letterboxed(pixels, SIDE, SIDE)
    faces = np.array(picture.faces).reshape(-1, 4) * place.scale
    return boxed, faces + [place.left, place.top] * 2


def redrawn(vae: AutoencoderTiny, pixels: np.ndarray) -> np.ndarray:
    """As the VAE shows a picture, whose latents are shaken a little first."""
    wanted = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        latents = vae.encode(wanted).latents
        drawn = vae.decode(latents + torch.randn_like(latents) * SHAKEN).sample[0]
    return ((drawn.clamp(-1, 1) + 1) * 127.5).byte().permute(1, 2, 0).numpy()


def targets(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wanted score (1 at a face's centre, falling off), box and whether the box counts."""
    score = np.zeros((CELLS, CELLS), np.float32)
    box = np.zeros((4, CELLS, CELLS), np.float32)
    counts = np.zeros((CELLS, CELLS), np.float32)
    y, x = np.mgrid[:CELLS, :CELLS] * STRIDE + STRIDE / 2
    for left, top, right, bottom in faces:
        across = (x - (left + right) / 2) / (right - left)
        down = (y - (top + bottom) / 2) / (bottom - top)
        far = across**2 + down**2
        score = np.maximum(score, np.exp(-far / 0.02))
        score.flat[far.argmin()] = 1
        near = far <= max(0.03, far.min())
        counts[near] = 1
        box[:, near] = np.stack([x - left, y - top, right - x, bottom - y])[:, near]
    return score, box, counts


def loss(output: Tensor, score: Tensor, box: Tensor, counts: Tensor) -> Tensor:
    """CenterNet's focal loss of the score, and the log overlap of the boxes."""
    logit = output[:, 4]
    chance = logit.sigmoid()
    hit = (1 - chance) ** 2 * functional.logsigmoid(logit) * (score == 1)
    miss = chance**2 * (1 - score) ** 4 * functional.logsigmoid(-logit) * (score < 1)
    faces = (score == 1).sum().clamp(min=1)
    sides = distances(output[:, :4])
    smaller, larger = torch.minimum(sides, box), torch.maximum(sides, box)
    inner = (smaller[:, 0] + smaller[:, 2]) * (smaller[:, 1] + smaller[:, 3])
    union = area(sides) + area(box) - inner
    hull = (larger[:, 0] + larger[:, 2]) * (larger[:, 1] + larger[:, 3])
    overlap = inner / union.clamp(min=1) - (hull - union) / hull.clamp(min=1)
    boxes = ((1 - overlap) * counts).sum() / counts.sum().clamp(min=1)
    return 2 * boxes - (hit + miss).sum() / faces


def distances(raw: Tensor) -> Tensor:
    """Distances of a cell's centre from the four sides, in pixels."""
    return raw.clamp(max=4).exp() * (2 * STRIDE)


def area(sides: Tensor) -> Tensor:
    """Of boxes given by distances."""
    return (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])


def train(steps: int) -> nn.Sequential:
    """The running average of the weights; the learning rate falls to nothing as a cosine."""
    torch.manual_seed(SEED)
    random, model, average = Random(SEED), network(), network()
    vae = AutoencoderTiny.from_pretrained(MODELS / "tiny" / "image" / "vae").float().eval()
    examples = [example(random, vae) for _ in range(POOL)]
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps, pct_start=0.05)
    for step in range(1, steps + 1):
        pictures, wanted = batch(examples, random)
        value = loss(model(pictures), *wanted)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        keep = min(0.995, step / (step + 10))
        with torch.no_grad():
            for old, new in zip(
                average.state_dict().values(), model.state_dict().values(), strict=True
            ):
                old.copy_(torch.lerp(old.float(), new.float(), 1 - keep))
        if step % 100 == 0:
            print(f"step {step} of {steps}, loss {value.item():.3f}", flush=True)
    return average


def batch(
    examples: list[tuple[np.ndarray, np.ndarray]], random: Random
) -> tuple[Tensor, list[Tensor]]:
    """A batch with half of its pictures mirrored, other colours, and grain."""
    pictures, wanted = [], []
    for boxed, faces in random.sample(examples, BATCH):
        if random.random() < 0.5:
            boxed, faces = boxed[:, ::-1], np.array([SIDE, 0, SIDE, 0]) + faces * [-1, 1, -1, 1]
            faces = faces[:, [2, 1, 0, 3]]
        changed = boxed / np.float32(255) * random.uniform(0.7, 1.15) + random.uniform(-0.08, 0.12)
        grain = np.random.default_rng(random.getrandbits(32)).standard_normal(boxed.shape)
        changed = changed + grain * random.choice([0, 0.02, 0.06])
        pictures.append(changed.clip(0, 1).transpose(2, 0, 1).astype(np.float32))
        wanted.append(targets(faces))
    stacked = [torch.from_numpy(np.stack(each)) for each in zip(*wanted, strict=True)]
    return torch.from_numpy(np.stack(pictures)), stacked


def folded(model: nn.Sequential) -> list[nn.Conv2d]:
    """The convolutions with their normalisation in their weights."""
    model.eval()
    layers = list(model)
    pairs = zip(layers[:-1:3], layers[1::3], strict=True)
    return [*(fuse_conv_bn_eval(*pair) for pair in pairs), layers[-1]]


def export(model: nn.Sequential, path: Path) -> None:
    """Writes the network with its decoding as an ONNX file, its weights in half precision."""
    nodes, values, at = [], {}, "images"
    for place, layer in enumerate(folded(model)):
        names = [f"weight{place}", f"bias{place}"]
        for name, tensor in zip(names, (layer.weight, layer.bias), strict=True):
            half = numpy_helper.from_array(tensor.detach().half().numpy(), f"{name}.half")
            values[half.name] = half
            nodes.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
        shape = {
            "kernel_shape": list(layer.kernel_size),
            "strides": list(layer.stride),
            "pads": [*layer.padding, *layer.padding],
            "dilations": list(layer.dilation),
        }
        nodes.append(helper.make_node("Conv", [at, *names], [f"conv{place}"], **shape))
        at = f"conv{place}"
        if place < len(LAYERS):
            nodes.append(helper.make_node("Relu", [at], [f"relu{place}"]))
            at = f"relu{place}"
    constants = _decoding(nodes, at)
    values |= {name: numpy_helper.from_array(each, name) for name, each in constants.items()}
    graph = helper.make_graph(
        nodes, "tiny-face",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 5, CELLS * CELLS])],
        list(values.values()),
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    facts = {"names": "{0: 'face'}", "task": "detect", "imgsz": str([SIDE, SIDE])}
    helper.set_model_props(made, {**facts, "license": "Apache-2.0"})
    onnx.checker.check_model(made)
    path.parent.mkdir(exist_ok=True)
    onnx.save(made, str(path))


def _decoding(nodes: list[onnx.NodeProto], raw: str) -> dict[str, np.ndarray]:
    """Distances and logit to centre, size and score; returns the constants."""
    steps = [
        ("Reshape", [raw, "flat"], ["rows"], {}),
        ("Split", ["rows", "parts"], ["raw_near", "raw_far", "logit"], {"axis": 1}),
        ("Sigmoid", ["logit"], ["score"], {}),
    ]
    for each in ("near", "far"):
        steps += [
            ("Min", [f"raw_{each}", "most"], [f"clamped_{each}"], {}),
            ("Exp", [f"clamped_{each}"], [f"exp_{each}"], {}),
            ("Mul", [f"exp_{each}", "unit"], [each], {}),
        ]
    steps += [
        ("Add", ["near", "far"], ["size"], {}),
        ("Sub", ["far", "near"], ["lean"], {}),
        ("Mul", ["lean", "half"], ["shift"], {}),
        ("Add", ["shift", "cells"], ["centre"], {}),
        ("Concat", ["centre", "size", "score"], ["output0"], {"axis": 1}),
    ]
    nodes += [helper.make_node(*step[:3], **step[3]) for step in steps]
    y, x = np.mgrid[:CELLS, :CELLS].reshape(2, -1) * STRIDE + STRIDE / 2
    return {
        "flat": np.array([1, 5, CELLS * CELLS], np.int64),
        "parts": np.array([2, 2, 1], np.int64),
        "most": np.array(4, np.float32),
        "unit": np.array(2 * STRIDE, np.float32),
        "half": np.array(0.5, np.float32),
        "cells": np.stack([x, y])[None].astype(np.float32),
    }


def measure(path: Path) -> tuple[float, float]:
    """Recall and precision at half overlap on pictures that were not trained on."""
    random, detector = Random(SEED + 1), Detector(path)
    faces = found = right = 0
    for _ in range(HELD_OUT):
        picture = draw_any(random, random.choice([128, 192, 256, 384]))
        boxes = [each.box for each in detector(np.asarray(picture.image), CONFIDENCE)]
        faces, found = faces + len(picture.faces), found + len(boxes)
        right += matched(picture, boxes)
    return right / faces, right / max(found, 1)


def matched(picture: Picture, boxes: list[tuple[float, float, float, float]]) -> int:
    """How many faces have a box that shares half of their area with them."""

    def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
        wide = max(0, min(one[2], other[2]) - max(one[0], other[0]))
        tall = max(0, min(one[3], other[3]) - max(one[1], other[1]))
        both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
        return wide * tall / (both - wide * tall)

    return sum(any(overlap(face, box) > 0.5 for box in boxes) for face in picture.faces)


def main() -> None:
    """Trains, exports, measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--output", type=Path, default=TARGET)
    options = parser.parse_args()
    export(train(options.steps), options.output)
    recall, precision = measure(options.output)
    size = options.output.stat().st_size
    print(f"{size} bytes; {HELD_OUT} pictures: recall {recall:.3f}, precision {precision:.3f}")


main()
