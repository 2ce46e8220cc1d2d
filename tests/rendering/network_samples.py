"""Files of LoRAs and their kin for the tiny model, and what each must add, calculated in full."""

from __future__ import annotations

import torch
from safetensors.torch import save_file

LINEAR = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
CONV = "down_blocks.1.resnets.0.conv1"


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.3


def kinds(weight):
    """For a weight of each kind of network: its tensors, and the weight it makes of `weight`."""
    rows, columns, *kernel = weight.shape
    size = kernel[0] if kernel else 1
    ones = [1] * len(kernel)
    up, down = random(rows, 2, *ones, seed=1), random(2, columns, *kernel, seed=2)
    product = torch.tensordot(up.reshape(rows, 2), down, 1)
    yield (
        "lora",
        {"lora_up.weight": up, "lora_down.weight": down, "alpha": torch.tensor(1.0)},
        (weight + product / 2),
    )
    yield "no alpha", {"lora_up.weight": up, "lora_down.weight": down}, weight + product
    a, b = random(rows, 3, seed=3), random(3, columns * size**2, seed=4)
    c, d = random(rows, 3, seed=5), random(3, columns * size**2, seed=6)
    yield (
        "loha",
        {
            "hada_w1_a": a,
            "hada_w1_b": b,
            "hada_w2_a": c,
            "hada_w2_b": d,
            "alpha": torch.tensor(6.0),
        },
        weight + 2 * ((a @ b) * (c @ d)).reshape(weight.shape),
    )
    small, large = random(4, 2, seed=7), random(rows // 4, columns // 2, *kernel, seed=8)
    kron = torch.zeros_like(weight)
    for row in range(rows):
        for column in range(columns):
            high, low = divmod(row, rows // 4)
            left, right = divmod(column, columns // 2)
            kron[row, column] = small[high, left] * large[low, right]
    yield "lokr", {"lokr_w1": small, "lokr_w2": large, "alpha": torch.tensor(99.0)}, weight + kron
    factors = random(rows, seed=9)
    yield (
        "ia3",
        {"weight": factors, "on_input": torch.tensor(False)},
        weight + weight * factors.reshape(-1, 1, *ones),
    )
    factors = random(columns, seed=10)
    yield (
        "ia3 on input",
        {"weight": factors, "on_input": torch.tensor(True)},
        weight + weight * factors.reshape(1, -1, *ones),
    )
    yield "full", {"diff": random(*weight.shape, seed=11)}, weight + random(*weight.shape, seed=11)
    lengths = random(1, columns, *ones, seed=12).abs()
    merged = weight + product
    dora = torch.stack(
        [merged[:, i] / merged[:, i].flatten().norm() * lengths[0, i] for i in range(columns)], 1
    )
    yield (
        "dora",
        {"lora_up.weight": up, "lora_down.weight": down, "dora_scale": lengths},
        dora,
    )


def tucker():
    """LoCon and LoHa with a core, for the convolution (16, 32, 3, 3), element by element."""
    core, up, down = random(2, 2, 3, 3, seed=1), random(16, 2, seed=2), random(2, 32, seed=3)
    delta = torch.zeros(16, 32, 3, 3)
    for n in range(2):
        for m in range(2):
            for row in range(16):
                delta[row] += core[n, m] * up[row, n] * down[m].reshape(-1, 1, 1)
    locon = {
        "lora_up.weight": up.reshape(16, 2, 1, 1),
        "lora_mid.weight": core,
        "lora_down.weight": down.reshape(2, 32, 1, 1),
    }
    loha = {"hada_t1": core, "hada_w1_a": up.T, "hada_w1_b": down}
    loha |= {"hada_t2": core, "hada_w2_a": up.T, "hada_w2_b": down}
    return [(locon, delta), (loha, delta * delta)]


def write(path, *modules):
    """A file of the tensors of several modules; each a name and its tensors."""
    tensors = {
        f"{module}.{name}": tensor.contiguous()
        for module, each in modules
        for name, tensor in each.items()
    }
    save_file(tensors, path)
    return path


def plain(out, of, seed=0, rank=2):
    return {
        "lora_up.weight": random(out, rank, seed=seed),
        "lora_down.weight": random(rank, of, seed=seed + 1),
    }
