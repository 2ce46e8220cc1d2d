"""LoRAs, embeddings and wildcards: found as the programs find them, looked for only when asked."""

import json

import pytest

from tagkit.cards import image_card
from tagkit.errors import UserError
from tagkit.linting import Linter
from tagkit.linting.files import Files
from tagkit.linting.linter import record_of
from tagkit.packs import shipped_rules
from tagkit.settings import Settings


def safetensors(name):
    header = json.dumps({"__metadata__": {"ss_output_name": name}, "a": {"dtype": "F16"}}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.fixture
def folders(tmp_path):
    for kind in ("loras/sub", "embeddings", "wildcards"):
        (tmp_path / kind).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def lint(folders):
    settings = Settings(
        loras=(folders / "loras",),
        embeddings=(folders / "embeddings",),
        wildcards=(folders / "wildcards",),
    )
    files = Files(settings)

    def lint_text(text, dialect="a1111"):
        linter = Linter(image_card("baxl-v3"), shipped_rules(), dialect, files=files)
        found = linter.lint(record_of(text, None)).diagnostics
        wanted = [each for each in found if each.code[:3] in ("LOR", "WLD", "DUP")]
        return [(each.code, text[each.span.start : each.span.end]) for each in wanted]

    return lint_text


def test_a_lora_goes_by_its_stem_its_path_or_its_trainers_name(folders, lint):
    (folders / "loras" / "sub" / "a_v2.safetensors").write_bytes(safetensors("Ada"))
    assert lint("1girl, <lora:a_v2:1>, <lora:Ada:1>, <lyco:sub/a_v2:0.5>") == []
    wrong = "1girl, <lora:A_v2:1>, <lora:ada:1>, <lora:a_v2.safetensors:1>"
    assert lint(wrong) == [("LOR101", each) for each in wrong.split(", ")[1:]]


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x02\0\0\0\0\0\0\0[]", b"\x01" * 7])
def test_a_broken_header_has_no_alias(folders, lint, content):
    (folders / "loras" / "a.safetensors").write_bytes(content)
    assert lint("1girl, <lora:a:1>") == []
    assert lint("1girl, <lora:b:1>") == [("LOR101", "<lora:b:1>")]


def test_the_nearest_name_is_told_in_its_own_case(folders):
    (folders / "loras" / "InkStyle.safetensors").touch()
    loras = Files(Settings(loras=(folders / "loras",))).loras
    assert loras.nearest("inkstyle") == "InkStyle"
    assert loras.nearest("zzz") == ""


def test_embeddings_of_comfyui(folders, lint):
    (folders / "embeddings" / "bad.pt").touch()
    text = "1girl, (embedding:bad.pt, embedding:worse:1.2)"
    assert lint(text, "comfyui") == [("LOR102", "worse")]


def test_wildcards_that_values_name_are_missing_too(folders, lint):
    (folders / "wildcards" / "place.txt").write_text("beach\n__sky__\n", encoding="utf-8")
    assert lint("1girl, __place__") == [("WLD101", "__place__")]


def test_a_trigger_keeps_what_it_implies(folders, lint):
    (folders / "loras" / "socks.safetensors").touch()
    (folders / "loras" / "tights.safetensors").touch()
    info = '{"trainedWords": ["white thighhighs"]}'
    (folders / "loras" / "tights.civitai.info").write_text(info, encoding="utf-8")
    text = "1girl, <lora:socks:1>, smile, thighhighs, white thighhighs"
    assert ("DUP102", "thighhighs") in lint(text)
    assert lint(text.replace("socks", "tights")) == []


def test_broken_notes_beside_a_lora_are_nobodys_duty(folders, lint):
    (folders / "loras" / "a.safetensors").touch()
    (folders / "loras" / "a.json").write_text("{", encoding="utf-8")
    assert lint("1girl, <lora:a:1>") == []


def test_nothing_is_looked_for_before_it_is_asked_for(tmp_path):
    files = Files(Settings(loras=(tmp_path / "gone",)))
    linter = Linter(image_card("baxl-v3"), shipped_rules(), files=files)
    assert linter.lint(record_of("1girl, smile, __place__", None))
    with pytest.raises(UserError, match="no folder"):
        linter.lint(record_of("1girl, <lora:a:1>", None))


def test_without_folders_nothing_is_judged():
    linter = Linter(image_card("baxl-v3"), shipped_rules())
    found = linter.lint(record_of("1girl, <lora:a:1>, embedding:b, __c__", None)).diagnostics
    assert not [each for each in found if each.code[:3] in ("LOR", "WLD")]
