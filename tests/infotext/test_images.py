from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.errors import UserError
from tagkit.infotext import read_image
from tagkit.infotext.images import PNG, comment_text

PIL_Image = pytest.importorskip("PIL.Image")

TEXT = "1girl, 青い髪\nNegative prompt: lowres\nSteps: 4, Sampler: Euler a, Seed: 7"


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(*chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return PNG + header + pixels + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "hidden",
    [
        chunk(b"tEXt", b"parameters\0" + TEXT.encode()),
        chunk(b"zTXt", b"parameters\0\0" + zlib.compress(TEXT.encode())),
        chunk(b"iTXt", b"parameters\0\0\0\0\0" + TEXT.encode()),
        chunk(b"iTXt", b"parameters\0\1\0de\0Werte\0" + zlib.compress(TEXT.encode())),
    ],
    ids=["tEXt", "zTXt", "iTXt", "compressed iTXt"],
)
def test_png(tmp_path, hidden):
    path = tmp_path / "a.png"
    path.write_bytes(png(chunk(b"tEXt", b"Software\0x"), hidden))
    info = read_image(path)
    assert (info.prompt, info.negative) == ("1girl, 青い髪", "lowres")
    assert info.settings == {"Steps": "4", "Sampler": "Euler a", "Seed": "7"}


def test_png_with_latin_1_text(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(chunk(b"tEXt", b"parameters\0caf\xe9")))
    assert read_image(path).prompt == "café"


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png"])
@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le", "utf-16"])
def test_exif_user_comment(tmp_path, suffix, order):
    path = tmp_path / f"a.{suffix}"
    image = PIL_Image.new("RGB", (8, 8))
    exif = image.getexif()
    exif[0x0131] = "a program"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + TEXT.encode(order)
    image.save(path, exif=exif)
    assert read_image(path).prompt == "1girl, 青い髪"


@pytest.mark.parametrize("code", [b"\0" * 8, b"ASCII\0\0\0", b"UTF8\0\0\0\0", b""])
def test_user_comment_without_utf_16(code):
    assert comment_text(code + "1girl, 髪, a long text".encode()) == "1girl, 髪, a long text"


@given(st.binary())
def test_any_user_comment_is_some_text(comment):
    assert isinstance(comment_text(comment), str)


@given(st.binary(max_size=200))
def test_broken_files_are_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("broken") / "a.png"
    path.write_bytes(PNG + content)
    with pytest.raises(UserError, match=r"a\.png"):
        read_image(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"GIF89a"])
def test_no_image(tmp_path, content):
    path = tmp_path / "notes.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"notes\.png"):
        read_image(path)


def test_an_image_without_data(tmp_path):
    path = tmp_path / "plain.png"
    PIL_Image.new("RGB", (8, 8)).save(path)
    with pytest.raises(UserError, match="carries no generation data"):
        read_image(path)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_image(tmp_path / "missing.png")


def test_a_compressed_text_that_explodes_is_cut(tmp_path):
    path = tmp_path / "a.png"
    bomb = zlib.compress(b"a" * (32 * 1024 * 1024))
    path.write_bytes(png(chunk(b"zTXt", b"parameters\0\0" + bomb)))
    assert len(read_image(path).prompt) == 16 * 1024 * 1024
