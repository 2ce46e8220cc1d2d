"""ONNX files that answer every picture with the same outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path


def write_onnx(
    path: Path, *outputs: np.ndarray, shape=(1, 3, 64, 64), dtype=TensorProto.FLOAT, **facts: str
) -> Path:
    """A model with these outputs, whatever it reads; `facts`: its metadata."""
    names = [f"output{place}" for place in range(len(outputs))]
    values = [numpy_helper.from_array(each, f"value{at}") for at, each in enumerate(outputs)]
    nodes = [
        helper.make_node("Identity", [value.name], [name])
        for value, name in zip(values, names, strict=True)
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes, "constant",
            [helper.make_tensor_value_info("images", dtype, shape)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, each.shape)
                for name, each in zip(names, outputs, strict=True)
            ],
            values,
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    helper.set_model_props(made, facts)
    onnx.save(made, str(path))
    return path


def v8(*rows: tuple[float, ...], among: int = 84) -> np.ndarray:
    """(1, 4 + classes, N): rows of centre, size and scores, the rest of N empty."""
    table = np.zeros((among, len(rows[0])), np.float32)
    table[: len(rows)] = rows
    return table.T[None]


def v5(*rows: tuple[float, ...], among: int = 1200) -> np.ndarray:
    """(1, N, 5 + classes): rows of centre, size, objectness and scores."""
    table = np.zeros((among, len(rows[0])), np.float32)
    table[: len(rows)] = rows
    return table[None]
