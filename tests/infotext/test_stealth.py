from __future__ import annotations

import gzip
import json

import pytest

from tagkit.errors import UserError
from tagkit.infotext import read_image

PIL_Image = pytest.importorskip("PIL.Image")

TEXT = "1girl, 髪\nNegative prompt: lowres\nSteps: 4, Sampler: Euler a, Seed: 7"
NOVELAI = {
    "Description": "1girl, {smile}",
    "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4.5 4BDE2A90",
    "Comment": json.dumps({"uc": "lowres", "steps": 28, "seed": 5, "sampler": "k_euler"}),
}


def hide(payload: bytes, signature: bytes, mode: str, size=(40, 60), length=None):
    """A picture with the payload in its lowest bits, column by column."""
    image = PIL_Image.new(mode, size, (9, 9, 9, 255)[: len(mode)])
    bits = len(payload) * 8 if length is None else length
    data = signature + bits.to_bytes(4, "big") + payload
    stream = iter("".join(f"{byte:08b}" for byte in data))
    pixels = image.load()
    for x in range(size[0]):
        for y in range(size[1]):
            values = list(pixels[x, y])
            for channel in range(3) if b"rgb" in signature else (3,):
                values[channel] = values[channel] & ~1 | int(next(stream, "1"))
            pixels[x, y] = tuple(values)
    return image


@pytest.mark.parametrize("suffix", ["png", "webp"])
@pytest.mark.parametrize(
    ("signature", "mode"),
    [
        (b"stealth_pnginfo", "RGBA"),
        (b"stealth_pngcomp", "RGBA"),
        (b"stealth_rgbinfo", "RGBA"),
        (b"stealth_rgbcomp", "RGB"),
    ],
)
def test_hidden_text(tmp_path, signature, mode, suffix):
    path = tmp_path / f"a.{suffix}"
    payload = TEXT.encode()
    payload = gzip.compress(payload) if signature.endswith(b"comp") else payload
    hide(payload, signature, mode).save(
        path, **{"webp": {"lossless": True, "exact": True}}.get(suffix, {})
    )
    info = read_image(path)
    assert (info.prompt, info.negative, info.settings["Seed"]) == ("1girl, 髪", "lowres", "7")


def test_novelai_hides_all_its_texts(tmp_path):
    path = tmp_path / "a.png"
    payload = gzip.compress(json.dumps(NOVELAI).encode())
    hide(payload, b"stealth_pngcomp", "RGBA").save(path)
    info = read_image(path)
    assert (info.source, info.prompt, info.negative) == ("novelai", "1girl, {smile}", "lowres")
    assert info.settings["Model"] == "NovelAI Diffusion V4.5"


@pytest.mark.parametrize("length", [0, 7, 2**32 - 1, 100_000])
def test_lengths_that_cannot_be(tmp_path, length):
    path = tmp_path / "a.png"
    hide(b"abc", b"stealth_pnginfo", "RGBA", length=length).save(path)
    with pytest.raises(UserError, match=r"a\.png` carries no generation data"):
        read_image(path)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (200, 1), (1, 200)])
def test_pictures_too_small_for_a_secret(tmp_path, size):
    path = tmp_path / "a.png"
    PIL_Image.new("RGBA", size).save(path)
    with pytest.raises(UserError, match="carries no generation data"):
        read_image(path)


def test_a_hidden_bomb(tmp_path):
    path = tmp_path / "a.png"
    payload = gzip.compress(bytes(32 << 20))
    hide(payload, b"stealth_pngcomp", "RGBA", size=(600, 600)).save(path)
    with pytest.raises(UserError, match=r"a\.png.*longer than 16 MiB"):
        read_image(path)
