from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.infotext import Infotext, parse_settings, read_infotext
from tagkit.infotext.inner_json import json_at

FULL = """1girl, solo,
blue hair
Negative prompt: lowres,
error
Steps: 25, Sampler: Euler a, CFG scale: 6, Seed: 1, Size: 832x1216, \
Hashes: {"vae": "c6a580b13a", "model": "c0d1994c73"}, \
ADetailer prompt: "1girl, \\"smile\\", [SEP], :3", Version: v1.10.1"""


def test_prompt_negative_and_settings_are_parted():
    info = read_infotext(FULL)
    assert info.prompt == "1girl, solo,\nblue hair"
    assert info.negative == "lowres,\nerror"
    assert list(info.settings) == [
        "Steps", "Sampler", "CFG scale", "Seed", "Size", "Hashes", "ADetailer prompt", "Version",
    ]  # fmt: skip


def test_it_is_written_byte_for_byte_as_a1111_wrote_it():
    assert str(read_infotext(FULL)) == FULL


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("Steps: 20, Size: 8x8", {"Steps": "20", "Size": "8x8"}),
        ('A: "x, y: z", B: 1', {"A": "x, y: z", "B": "1"}),
        ('A: "say \\"hi\\"\\n"', {"A": 'say "hi"\n'}),
        ('A: "not \\(json\\)", B: 2', {"A": "not \\(json\\)", "B": "2"}),
        ("A: [1, {}], B: 2", {"A": "[1, {}]", "B": "2"}),
        ("A: [R-ESRGAN, B: 2", {"A": "[R-ESRGAN", "B": "2"}),
        ("A: {broken, B: 2", {"A": "{broken", "B": "2"}),
        ('A: 12" disc, B: 2', {"A": '12" disc', "B": "2"}),
        ("Steps: 20, Tiling, Seed: 1", {"Steps": "20", "Tiling": "Tiling", "Seed": "1"}),
        ("A:, B: 1,", {"A": "", "B": "1"}),
        ("A: time 12:30, B: 1", {"A": "time 12:30", "B": "1"}),
        ('ControlNet 0: "Model: None, Weight: 1", Model: x', {
            "ControlNet 0": "Model: None, Weight: 1", "Model": "x"}),
        ("", {}),
        (", ,", {}),
    ],
)  # fmt: skip
def test_settings(line, settings):
    assert parse_settings(line) == settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1girl", Infotext("1girl")),
        ("", Infotext("")),
        ("Negative prompt: lowres", Infotext("", "lowres")),
        ("a\nNegative prompt:", Infotext("a", "")),
        ("Steps: 4", Infotext("", None, {"Steps": "4"})),
        ("steps: 1, 2\nSteps: 4", Infotext("steps: 1, 2", None, {"Steps": "4"})),
        ("Steps: up\nSteps: 4", Infotext("Steps: up", None, {"Steps": "4"})),
        ("a\nSeed: 1, Size: 8x8", Infotext("a", None, {"Seed": "1", "Size": "8x8"})),
        ("(a:1.2), (b:1), (c:1.1)", Infotext("(a:1.2), (b:1), (c:1.1)")),
        ("artist: a, series: b, x: c", Infotext("artist: a, series: b, x: c")),
    ],
)
def test_odd_texts(text, expected):
    assert read_infotext(text) == expected


def test_lines_below_the_settings_become_settings():
    info = read_infotext("a\nSteps: 4\nTemplate: a, {b|c}\nand more\nNegative Template: d")
    assert info.settings == {
        "Steps": "4", "Template": "a, {b|c}\nand more", "Negative Template": "d",
    }  # fmt: skip


def test_windows_line_ends():
    assert read_infotext(FULL.replace("\n", "\r\n")) == read_infotext(FULL)


def test_deeply_nested_brackets_are_plain_text():
    assert parse_settings("A: " + "[" * 100_000) == {"A": "[" * 100_000}


MANY = 200_000


@pytest.mark.parametrize(
    "text",
    [
        "\r" * MANY,
        "Steps: 4\nA: b\n" + "x\n" * MANY,
        "Steps: 4, " + "A: [1, " * MANY,
        "Steps: 4, " + 'A: {"a": ' * MANY,
        "Steps: 4, " + 'A: "x\\", ' * MANY,
        "Steps: 4, " + 'A: ["x, A: [", "' * MANY,
        "Steps: 4, " + ("A: " + "[" * 900 + ", ") * 200,
        "." * MANY + ".Steps: 4,",
        ".Steps: " * MANY,
        "\nNegative prompt:" * MANY,
        " " * MANY + "x" + " " * MANY,
    ],
)
def test_long_texts_against_the_reader_take_linear_time(text):
    once = read_infotext(text)
    assert read_infotext(str(once)).settings == once.settings


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.text() | st.lists(_JSON) | st.dictionaries(st.text(), _JSON), st.integers(4060, 4110))
def test_json_inside_other_text(value, length):
    for each in (value, ["x" * length, value, True, "\\"]):
        text = json.dumps(each)
        assert json_at(f"a, {text}, b]", 3) == (each, 3 + len(text))


@given(st.text())
def test_any_text_reads_the_same_when_written_back(text):
    once = read_infotext(text)
    assert read_infotext(str(once)) == once


@given(st.text(alphabet='Steps:,"\\{}[] \nTmla1x'))
def test_text_full_of_punctuation_reads_the_same_when_written_back(text):
    once = read_infotext(f"Steps: {text}")
    assert read_infotext(str(once)) == once


_PROMPT = (
    st.text()
    .map(str.strip)
    .filter(
        lambda text: "Steps:" not in text and "Negative prompt:" not in text and "\r" not in text
    )
)
_KEY = st.from_regex(r"[A-Z][A-Za-z0-9 \-/]*[a-z]", fullmatch=True)


@given(_PROMPT, st.none() | _PROMPT, st.dictionaries(_KEY, st.text()))
def test_any_infotext_survives_writing_and_reading(prompt, negative, settings):
    info = Infotext(prompt, negative, {"Steps": "4", **settings})
    assert read_infotext(str(info)) == info


@given(st.dictionaries(st.text(), st.integers() | st.text(), min_size=1))
def test_json_values_stay_bare(value):
    text = json.dumps(value)
    info = read_infotext(str(Infotext("a", None, {"Steps": "4", "Hashes": text, "Seed": "1"})))
    assert info.settings == {"Steps": "4", "Hashes": text, "Seed": "1"}
    assert f"Hashes: {text}" in str(info)


def test_real_infotexts_read_the_same_when_written_back():
    shared = os.environ.get("TAGKIT_SHARED")
    if not shared:
        pytest.skip("TAGKIT_SHARED is not set")
    samples = json.loads((Path(shared) / "conformance/infotexts.json").read_text("utf-8"))
    assert samples
    for sample in samples:
        info = read_infotext(sample["text"])
        assert read_infotext(str(info)) == info
