"""Texts on which other readers fail, and what other readers make of the texts written here.

The failures are those of A1111's own regular expression, sd-parsers, sd-prompt-reader and Civitai.
"""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tagkit
from tagkit.infotext import Infotext, read_infotext, sampler_and_schedule
from tagkit.infotext.samplers import sampler_settings

# The pattern that A1111 and Forge read a settings line with; three pairs make it one.
A1111_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
LINE = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64"
HEAD = f"1girl\nNegative prompt: lowres\n{LINE}"


def as_a1111_reads(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and settings, after A1111's own rules."""
    *lines, last = text.strip().split("\n")
    if len(A1111_PAIR.findall(last)) < 3:
        lines, last = [*lines, last], ""
    prompt, _, negative = "\n".join(["", *lines]).partition("\nNegative prompt:")
    pairs = {
        key: json.loads(value) if value[:1] == value[-1:] == '"' else value
        for key, value in A1111_PAIR.findall(last)
    }
    return prompt.strip(), negative.strip(), pairs


def test_json_that_a1111_cuts_at_the_first_comma():
    hashes = '{"vae": "c6a580b13a", "model": "c0d1994c73"}'
    text = f"{HEAD}, Hashes: {hashes}, Version: v1.9.4"
    assert as_a1111_reads(text)[2]["Hashes"] == '{"vae": "c6a580b13a"'
    settings = read_infotext(text).settings
    assert (settings["Hashes"], settings["Version"]) == (hashes, "v1.9.4")


def test_lines_behind_the_settings_hide_them_from_a1111():
    text = f"{HEAD}\nTemplate: {{1girl|1boy}}\nNegative Template: lowres"
    assert as_a1111_reads(text)[2] == {}
    info = read_infotext(text)
    assert (info.negative, info.settings["Seed"]) == ("lowres", "1")
    assert info.settings["Template"] == "{1girl|1boy}"


def test_quoted_values_hold_commas_and_colons():
    """A reader that splits at every comma loses them, or takes an inner `Model` for the model."""
    settings = read_infotext(
        f'{HEAD}, Model: wai, ControlNet 0: "Module: None, Model: None", Lora hashes: "a: 1, b: 2"'
    ).settings
    assert settings["Model"] == "wai"
    assert settings["ControlNet 0"] == "Module: None, Model: None"
    assert settings["Lora hashes"] == "a: 1, b: 2"


def test_quoted_prose_and_escapes():
    """Civitai toggles at every quote and reads the inside as pairs."""
    settings = read_infotext(
        f'{HEAD}, ADetailer prompt: "a \\"girl\\", outdoors", Tail: x'
    ).settings
    assert settings["ADetailer prompt"] == 'a "girl", outdoors'
    assert settings["Tail"] == "x"


def test_nested_json_between_other_values():
    nested = '{"aspectRatio": {"value": "3:2"}, "resources": [{"strength": 1}]}'
    settings = read_infotext(f"{HEAD}, Civitai metadata: {nested}, Tail: x").settings
    assert json.loads(settings["Civitai metadata"])["aspectRatio"] == {"value": "3:2"}
    assert settings["Tail"] == "x"


@pytest.mark.parametrize("name", ["my lora", "a (b)", "墨", "a.b-c"])
@pytest.mark.parametrize("weight", ["0.8", "-0.5", "1:0.5"])
def test_lora_tags_that_civitai_does_not_see(name, weight):
    prompt = read_infotext(f"1girl <lora:{name}:{weight}>\n{LINE}").prompt
    (network,) = tagkit.parse(prompt).networks
    assert network.name == name


def test_steps_inside_the_prompt():
    info = read_infotext(f"diagram, steps: 1 2 3\nHires steps: 15\n{LINE}")
    assert info.prompt == "diagram, steps: 1 2 3\nHires steps: 15"
    assert info.settings["Steps"] == "20"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"Sampler": "DPM++ 2M Karras"}, ("DPM++ 2M", "Karras")),
        ({"Sampler": "DPM++ 2M", "Schedule type": "Karras"}, ("DPM++ 2M", "Karras")),
        ({"Sampler": "DPM++ 2M", "Schedule type": "Automatic"}, ("DPM++ 2M", "Automatic")),
        ({"Sampler": "DPM++ SDE Exponential"}, ("DPM++ SDE", "Exponential")),
        ({"Sampler": "Euler a"}, ("Euler a", "")),
        ({"Sampler": "Karras"}, ("Karras", "")),
        ({}, ("", "")),
    ],
)
def test_both_spellings_of_samplers(settings, expected):
    assert sampler_and_schedule(settings) == expected


@pytest.mark.parametrize(
    ("name", "schedule", "expected"),
    [
        ("euler_ancestral", "normal", ("Euler a", "Normal")),
        ("k_euler_ancestral", "native", ("Euler a", "")),
        ("dpmpp_2m_sde_gpu", "karras", ("DPM++ 2M SDE", "Karras")),
        ("dpmpp_2m_k", "", ("DPM++ 2M", "Karras")),
        ("res_multistep", "bong_tangent", ("res_multistep", "bong_tangent")),
        ("", "", ("", "")),
    ],
)
def test_names_of_other_programs(name, schedule, expected):
    assert tuple(sampler_settings(name, schedule).values()) == expected


_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])).map(str.strip)
_PROMPTS = _WORDS.filter(lambda text: not re.search(r"Steps:|Negative prompt:", text))
_KEYS = st.from_regex(r"[A-Z][A-Za-z0-9]{1,8}", fullmatch=True)
_VALUES = _WORDS.filter(lambda text: text[:1] not in "{[" or not text)


@given(_PROMPTS, _PROMPTS, st.dictionaries(_KEYS, _VALUES))
def test_a1111_reads_what_is_written(prompt, negative, extra):
    extra = {key: value for key, value in extra.items() if key != value}
    settings = {"Steps": "20", "Sampler": "Euler a", "Seed": "1", **extra}
    text = str(Infotext(prompt, negative, settings))
    assert as_a1111_reads(text) == (prompt, negative, settings)


@given(st.permutations(["Steps", "Sampler", "Seed", "Size"]))
def test_civitai_finds_the_line_by_its_beginning(keys):
    text = str(Infotext("1girl", None, dict.fromkeys(keys, "4")))
    assert text.split("\n")[-1].startswith("Steps: 4, ")


def test_exiftool_puts_dots_for_newlines():
    text = f"Parameters                      : a girl, smile...Negative prompt: lowres.{LINE}"
    info = read_infotext(text)
    assert (info.prompt, info.negative) == ("a girl, smile", "lowres")
    assert info.settings == read_infotext(HEAD).settings


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        (f"a girl.{LINE}", "a girl", None),
        (f"v1.5 style. night.Negative prompt: .{LINE}", "v1.5 style. night", ""),
        (f"User Comment                    : a girl.{LINE}", "a girl", None),
        (f"File Size : 1 MB\nParameters : a girl.{LINE}\nWidth : 64", "a girl", None),
        (f"Parameters : Negative prompt: lowres.{LINE}", "", "lowres"),
    ],
)
def test_other_dumps_of_exiftool(text, prompt, negative):
    info = read_infotext(text)
    assert (info.prompt, info.negative, info.settings["Seed"]) == (prompt, negative, "1")


@pytest.mark.parametrize(
    "text", ["wait.Steps: many", "a.Steps: 4\nb", "Parameters of a curve: 1", "tag. Steps: 4"]
)
def test_prompts_that_are_no_dumps(text):
    assert read_infotext(text) == Infotext(text)
