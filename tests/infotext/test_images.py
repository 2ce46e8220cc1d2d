from __future__ import annotations

import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import SIGNATURE, chunk, png, text_chunk

from tagkit.errors import UserError
from tagkit.infotext import read_image
from tagkit.infotext.comments import comment_text

PIL_Image = pytest.importorskip("PIL.Image")

TEXT = "1girl, 青い髪\nNegative prompt: lowres\nSteps: 4, Sampler: Euler a, Seed: 7"
MIB = 1 << 20


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
    path.write_bytes(SIGNATURE + content)
    with pytest.raises(UserError, match=r"a\.png"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_images_are_a_clear_error(tmp_path, suffix, share):
    path = tmp_path / f"a.{suffix}"
    PIL_Image.effect_noise((64, 64), 50).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UserError, match=rf"a\.{suffix}"):
        read_image(path)


@pytest.fixture(scope="module")
def image_bytes():
    """An image of each kind, with an infotext in its EXIF block."""
    contents = {}
    for suffix in ("png", "jpeg", "webp", "gif"):
        image = PIL_Image.effect_noise((16, 16), 50).convert("L" if suffix == "gif" else "RGB")
        exif = image.getexif()
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + TEXT.encode("utf-16-le")
        buffer = io.BytesIO()
        image.save(buffer, suffix, **({} if suffix == "gif" else {"exif": exif}))
        contents[suffix] = buffer.getvalue()
    return contents


@given(
    st.sampled_from(["png", "jpeg", "webp", "gif"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_images_are_read_or_a_clear_error(tmp_path_factory, image_bytes, suffix, damage):
    path = tmp_path_factory.mktemp("damaged") / f"a.{suffix}"
    content = bytearray(image_bytes[suffix])
    for place, value in damage:
        content[place % len(content)] = value
    path.write_bytes(content)
    told = ""
    try:
        read_image(path)
    except UserError as error:
        told = error.what
    assert not told or f"a.{suffix}" in told


def test_what_stands_before_the_damage_is_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(text_chunk("parameters", TEXT))[:-14] + b"\xff\xff\xff\xff")
    assert read_image(path).settings["Seed"] == "7"


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x02\0\0\0"])
@pytest.mark.parametrize("body", [b"parameters\0x", b"other\0x", b""])
def test_absurd_chunk_lengths(tmp_path, length, body):
    path = tmp_path / "a.png"
    path.write_bytes(SIGNATURE + length + b"tEXt" + body)
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


@pytest.mark.parametrize("words", [b"ASCII\0\0\0Screenshot", b"CREATOR: gd-jpeg v1.0"])
def test_what_cameras_and_programs_say_is_no_prompt(tmp_path, words):
    path = tmp_path / "photo.jpg"
    image = PIL_Image.new("RGB", (8, 8))
    exif = image.getexif()
    exif.get_ifd(0x8769)[0x9286] = words
    image.save(path, exif=exif, comment=words)
    with pytest.raises(UserError, match="carries no generation data"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["jpg", "gif"])
def test_comment_of_the_file(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    PIL_Image.new("L", (8, 8)).save(path, comment=TEXT.encode())
    assert read_image(path).negative == "lowres"


@pytest.mark.parametrize("path", ["missing.png", "."])
def test_no_file(tmp_path, path):
    with pytest.raises(UserError, match="cannot read"):
        read_image(tmp_path / path)


def test_a_text_of_ten_megabytes(tmp_path):
    path = tmp_path / "a.png"
    prompt = "1girl, " * (10 * MIB // 7)
    path.write_bytes(png(text_chunk("parameters", f"{prompt}\nSteps: 4, Seed: 7")))
    assert read_image(path).prompt == prompt.strip()


@pytest.mark.parametrize(
    "bomb",
    [
        [chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(64 * MIB)))],
        [chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b"[" * (64 * MIB)))],
        [chunk(b"zTXt", name + b"\0\0" + zlib.compress(bytes(10 * MIB)))
         for name in (b"parameters", b"Comment", b"Source")],
        [text_chunk("parameters", "a" * (17 * MIB))],
    ],
    ids=["zTXt", "iTXt", "many", "plain"],
)  # fmt: skip
def test_texts_without_bounds_are_a_clear_error(tmp_path, bomb):
    path = tmp_path / "a.png"
    path.write_bytes(png(*bomb))
    with pytest.raises(UserError, match=r"a\.png.*longer than 16 MiB"):
        read_image(path)


def test_large_texts_of_no_interest_are_passed_over(tmp_path):
    path = tmp_path / "a.png"
    profile = chunk(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(bytes(64 * MIB)))
    path.write_bytes(png(profile, text_chunk("parameters", TEXT)))
    assert read_image(path).settings["Seed"] == "7"


def test_packed_text_that_is_damaged(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(chunk(b"zTXt", b"parameters\0\0no zlib")))
    with pytest.raises(UserError, match=r"cannot read the data of .*a\.png"):
        read_image(path)


@pytest.mark.parametrize("keyword", ["prompt", "Comment", "invokeai_metadata", "sd-metadata"])
@pytest.mark.parametrize("text", ['{"a":' * 100_000, "[" * 100_000, "{", "null"])
def test_json_that_cannot_be_read(tmp_path, keyword, text):
    path = tmp_path / "a.png"
    path.write_bytes(png(text_chunk(keyword, text)))
    with pytest.raises(UserError, match=r"a\.png"):
        read_image(path)


def test_sides_without_bounds(tmp_path):
    path = tmp_path / "a.png"
    header = (2**31 - 1).to_bytes(4, "big") * 2 + b"\x08\x06\0\0\0"
    path.write_bytes(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    with pytest.raises(UserError, match=r"a\.png"):
        read_image(path)
