"""SwarmUI, Fooocus, NovelAI and InvokeAI, each in files as these programs write them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import png_with

from tagkit.infotext import read_image, read_infotext
from tagkit.infotext.readers import READERS, read_texts
from tagkit.infotext.values import BrokenDataError

SWARM = {
    "sui_image_params": {
        "prompt": "1girl, smile", "negativeprompt": "lowres", "model": "Anime/kohaku",
        "seed": 7, "steps": 25, "cfgscale": 6.0, "width": 832, "height": 1216,
        "sampler": "euler_ancestral", "scheduler": "karras", "swarm_version": "0.9.1.1",
        "loras": ["ink"], "loraweights": ["0.8"], "clipstopatlayer": -2,
    },
    "sui_models": [
        {"name": "Anime/kohaku.safetensors", "param": "model", "hash": "0x" + "a" * 64},
        {"name": "ink.safetensors", "param": "loras", "hash": "0x" + "b" * 64},
        {"name": "lost.safetensors", "param": "loras", "hash": None},
    ],
}  # fmt: skip
FOOOCUS = {
    "base_model": "juggernautXL", "base_model_hash": "aeb7e9e689", "clip_skip": 2,
    "full_prompt": ["a goldfish, styled"], "guidance_scale": 4, "loras": [["ink", 0.5, "cd4e"]],
    "metadata_scheme": "fooocus", "negative_prompt": "", "prompt": "a goldfish",
    "resolution": "(768, 1280)", "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras",
    "seed": "6952411511246973023", "steps": 30, "styles": "['Fooocus V2']",
    "version": "Fooocus v2.4.3",
}  # fmt: skip
RUINED = {
    "Prompt": "a fox", "Negative": "blurry", "steps": 20, "cfg": 7.5, "width": 1024,
    "height": 1024, "seed": 3, "sampler_name": "euler", "scheduler": "simple",
    "base_model_name": "xl.safetensors", "base_model_hash": "0123456789",
    "software": "RuinedFooocus",
}  # fmt: skip
NOVELAI_COMMENT = {
    "prompt": "2girls, {sea}", "steps": 28, "height": 1216, "width": 832, "scale": 5.0,
    "seed": 11, "sampler": "k_dpmpp_2s_ancestral", "noise_schedule": "karras", "uc": "lowres",
    "strength": 0.7, "request_type": "PromptGenerateRequest",
    "v4_prompt": {"caption": {"base_caption": "2girls, {sea}", "char_captions": [
        {"char_caption": "girl, red hair"}, {"char_caption": "girl, 1.2::smile::"}]}},
    "v4_negative_prompt": {"caption": {"base_caption": "lowres", "char_captions": []}},
}  # fmt: skip
INVOKE_3 = {
    "app_version": "5.6.0", "positive_prompt": "holidays, painting", "negative_prompt": "noisy++",
    "width": 1024, "height": 768, "seed": 3293022630, "rand_device": "cpu", "cfg_scale": 8.0,
    "steps": 35, "scheduler": "dpmpp_2m_k", "clip_skip": 1,
    "model": {"name": "juggernautXL", "hash": "blake3:abc"},
    "loras": [{"model": {"name": "ink"}, "weight": 0.75}], "vae": {"model_name": "fix"},
}  # fmt: skip
INVOKE_2 = {
    "model": "stable diffusion", "model_weights": "deliberate", "model_hash": "56d1442a0feefd64",
    "app_version": "2.3.0",
    "image": {"prompt": [{"prompt": "a woman, night [skinny, eyes]", "weight": 1.0}], "steps": 50,
              "cfg_scale": 5, "seed": 2980747362, "width": 512, "height": 768, "sampler": "k_lms"},
}  # fmt: skip
DREAM = '"a \\"woman\\", night [skinny, eyes]" -s 50 -S2980747362 -W 512 -H 768 -C 5.0 -A k_lms'


def test_swarmui():
    info = read_texts({"parameters": json.dumps(SWARM, indent=2)})
    assert (info.source, info.prompt, info.negative) == ("swarmui", "1girl, smile", "lowres")
    assert info.settings == {
        "Steps": "25", "Sampler": "Euler a", "Schedule type": "Karras", "CFG scale": "6",
        "Seed": "7", "Size": "832x1216", "Model": "kohaku", "Clip skip": "2", "RNG": "CPU",
        "Lora weights": "ink: 0.8", "Lora hashes": f"ink: {'b' * 12}",
        "Version": "SwarmUI 0.9.1.1",
    }  # fmt: skip


def test_swarmui_with_lists_as_text():
    params = SWARM["sui_image_params"] | {"loras": "ink,pen", "loraweights": "0.8,1"}
    info = read_texts({"parameters": json.dumps({"sui_image_params": params})})
    assert info.settings["Lora weights"] == "ink: 0.8, pen: 1"


def test_fooocus():
    info = read_texts({"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"})
    assert (info.source, info.prompt, info.negative) == ("fooocus", "a goldfish", "")
    assert info.settings == {
        "Steps": "30", "Sampler": "DPM++ 2M SDE", "Schedule type": "Karras", "CFG scale": "4",
        "Seed": "6952411511246973023", "Size": "768x1280", "Model hash": "aeb7e9e689",
        "Model": "juggernautXL", "Clip skip": "2", "RNG": "CPU", "Styles": "['Fooocus V2']",
        "Lora weights": "ink: 0.5", "Version": "Fooocus v2.4.3",
    }  # fmt: skip


def test_ruined_fooocus():
    info = read_texts({"parameters": json.dumps(RUINED)})
    assert (info.source, info.prompt, info.negative) == ("fooocus", "a fox", "blurry")
    assert info.settings["Size"] == "1024x1024"
    assert (info.settings["Model"], info.settings["Schedule type"]) == ("xl", "Simple")


def test_novelai():
    texts = {
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V4.5 4BDE2A90",
        "Comment": json.dumps(NOVELAI_COMMENT),
    }
    info = read_texts(texts)
    assert info.source == "novelai"
    assert info.prompt == "2girls, {sea}\ngirl, red hair\ngirl, 1.2::smile::"
    assert info.negative == "lowres"
    assert info.settings == {
        "Steps": "28", "Sampler": "DPM++ 2S a", "Schedule type": "Karras", "CFG scale": "5",
        "Seed": "11", "Size": "832x1216", "Model hash": "4BDE2A90",
        "Model": "NovelAI Diffusion V4.5", "Version": "NovelAI",
    }  # fmt: skip


def test_novelai_image_to_image():
    comment = NOVELAI_COMMENT | {"request_type": "Img2ImgRequest"}
    info = read_texts({"Software": "NovelAI", "Comment": json.dumps(comment)})
    assert info.settings["Denoising strength"] == "0.7"


@pytest.mark.parametrize("comment", ["Created with GIMP", '{"a": 1}', ""])
def test_comments_of_other_programs(comment):
    assert read_texts({"Comment": comment, "Software": "GIMP"}) is None


def test_invokeai_3():
    info = read_texts({"invokeai_metadata": json.dumps(INVOKE_3)})
    assert (info.source, info.prompt) == ("invokeai", "holidays, painting")
    assert info.negative == "noisy++"
    assert info.settings == {
        "Steps": "35", "Sampler": "DPM++ 2M", "Schedule type": "Karras", "CFG scale": "8",
        "Seed": "3293022630", "Size": "1024x768", "Model": "juggernautXL", "VAE": "fix",
        "Clip skip": "2", "RNG": "CPU", "Lora weights": "ink: 0.75", "Version": "InvokeAI 5.6.0",
    }  # fmt: skip


def test_invokeai_2():
    info = read_texts({"sd-metadata": json.dumps(INVOKE_2), "Dream": DREAM})
    assert (info.prompt, info.negative) == ("a woman, night", "skinny, eyes")
    assert info.settings == {
        "Steps": "50", "Sampler": "LMS", "CFG scale": "5", "Seed": "2980747362",
        "Size": "512x768", "Model hash": "56d1442a0f", "Model": "deliberate",
        "Version": "InvokeAI 2.3.0",
    }  # fmt: skip


def test_invokeai_1():
    info = read_texts({"Dream": DREAM})
    assert (info.prompt, info.negative) == ('a \\"woman\\", night', "skinny, eyes")
    assert info.settings == {
        "Steps": "50", "Sampler": "LMS", "CFG scale": "5.0", "Seed": "2980747362",
        "Size": "512x768", "Version": "InvokeAI",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "source"),
    [
        ({"parameters": json.dumps(SWARM)}, "swarmui"),
        ({"parameters": json.dumps(FOOOCUS)}, "fooocus"),
        ({"invokeai_metadata": json.dumps(INVOKE_3)}, "invokeai"),
        ({"sd_metadata": json.dumps(INVOKE_2)}, "invokeai"),
        ({"Dream": DREAM}, "invokeai"),
        ({"Software": "NovelAI", "Comment": json.dumps(NOVELAI_COMMENT)}, "novelai"),
    ],
)
def test_in_files(tmp_path, texts, source):
    path = tmp_path / "a.png"
    keyword_safe = {key: text for key, text in texts.items() if key != "invokeai_metadata"}
    content = png_with(**keyword_safe)
    if "invokeai_metadata" in texts:
        from image_files import png, text_chunk

        content = png(text_chunk("invokeai_metadata", texts["invokeai_metadata"]))
    path.write_bytes(content)
    info = read_image(path)
    assert info.source == source
    again = read_infotext(str(info))
    assert (again.prompt, again.negative, again.settings) == (
        info.prompt, info.negative, info.settings,
    )  # fmt: skip


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
@pytest.mark.parametrize(("document", "source"), [(SWARM, "swarmui"), (FOOOCUS, "fooocus")])
def test_json_in_the_user_comment(tmp_path, suffix, document, source):
    image_module = pytest.importorskip("PIL.Image")
    path = tmp_path / f"a.{suffix}"
    image = image_module.new("RGB", (8, 8))
    exif = image.getexif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + json.dumps(document).encode("utf-16-be")
    image.save(path, exif=exif)
    assert read_image(path).source == source


def test_a_text_for_a1111_comes_before_the_graph():
    text = "1girl\nSteps: 4, Sampler: Euler a, Seed: 7"
    assert read_texts({"parameters": text, "prompt": "{}"}).source == "a1111"


def test_what_the_extras_tab_did_is_added():
    texts = {
        "parameters": "1girl\nSteps: 4, Seed: 7",
        "postprocessing": "Postprocess upscale by: 4",
    }
    assert read_texts(texts).settings == {
        "Steps": "4", "Seed": "7", "Postprocess upscale by": "4",
    }  # fmt: skip


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
_KNOWN = st.sampled_from(
    sorted({*SWARM["sui_image_params"], *SWARM, *FOOOCUS, *RUINED, *NOVELAI_COMMENT, *INVOKE_3,
            *INVOKE_2, "software"})
)  # fmt: skip
_WHOLE = [SWARM, FOOOCUS, RUINED, NOVELAI_COMMENT, INVOKE_3, INVOKE_2]


@given(
    st.sampled_from(_WHOLE),
    st.dictionaries(_KNOWN, _JSON, max_size=6),
    st.sampled_from(["parameters", "Comment", "invokeai_metadata", "sd-metadata", "prompt"]),
)
def test_any_value_anywhere_is_read_or_refused(document, changes, keyword):
    texts = {keyword: json.dumps(document | changes), "Software": "NovelAI"}
    inside = {"sui_image_params": SWARM["sui_image_params"] | changes}
    for given_texts in (texts, {"parameters": json.dumps(inside)}):
        try:
            info = read_texts(given_texts)
        except BrokenDataError:
            continue
        if info and "Steps" in info.settings:
            again = read_infotext(str(info))
            assert again.settings == info.settings


@given(st.dictionaries(st.sampled_from(["parameters", "Comment", "Dream", "prompt"]), st.text()))
def test_any_texts_are_read_or_refused(texts):
    for read in READERS:
        info = read(texts)
        assert info is None or isinstance(info.prompt, str)


def test_real_texts_of_other_programs():
    shared = os.environ.get("TAGKIT_SHARED")
    if not shared:
        pytest.skip("TAGKIT_SHARED is not set")
    samples = json.loads((Path(shared) / "conformance/infotexts.json").read_text("utf-8"))
    others = [sample for sample in samples if sample["format"] != "a1111"]
    assert others
    for sample in others:
        info = read_texts(json.loads(sample["text"]))
        assert sample["format"].startswith(info.source)
        assert info.prompt
        assert {"Steps", "Sampler", "CFG scale", "Seed", "Model"} <= info.settings.keys()
