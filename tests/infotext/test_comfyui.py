from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import png_with

from tagkit.errors import UserError
from tagkit.infotext import read_image, read_infotext
from tagkit.infotext.comfyui import read
from tagkit.infotext.values import BrokenDataError


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


BASE = {
    "4": node("CheckpointLoaderSimple", ckpt_name="sdxl\\kohaku.safetensors"),
    "5": node("EmptyLatentImage", width=832, height=1216, batch_size=1),
    "6": node("CLIPTextEncode", text="1girl, (smile:1.2)", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="lowres", clip=["4", 1]),
    "3": node(
        "KSampler", seed=42, steps=25, cfg=6.0, sampler_name="euler_ancestral", scheduler="normal",
        denoise=1.0, model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0],
    ),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="x"),
}  # fmt: skip


def info_of(changes=None, **nodes):
    return read({"prompt": json.dumps({**BASE, **(changes or {}), **nodes})})


def sampler(**changes):
    return {"3": node("KSampler", **{**BASE["3"]["inputs"], **changes})}


def test_the_plain_graph():
    info = info_of()
    assert (info.source, info.prompt, info.negative) == ("comfyui", "1girl, (smile:1.2)", "lowres")
    assert info.settings == {
        "Steps": "25", "Sampler": "Euler a", "Schedule type": "Normal", "CFG scale": "6",
        "Seed": "42", "Size": "832x1216", "Model": "kohaku", "RNG": "CPU", "Version": "ComfyUI",
    }  # fmt: skip


def test_it_is_written_as_text_that_reads_back():
    info = info_of()
    again = read_infotext(str(info))
    assert (again.prompt, again.negative, again.settings) == (
        info.prompt, info.negative, info.settings,
    )  # fmt: skip


def test_from_a_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png_with(prompt=json.dumps(BASE), workflow="{}"))
    assert read_image(path) == info_of()


def test_from_exif_of_webp(tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    path = tmp_path / "a.webp"
    image = image_module.new("RGB", (8, 8))
    exif = image.getexif()
    exif[0x0110] = f"prompt:{json.dumps(BASE)}"
    exif[0x010F] = "workflow:{}"
    image.save(path, exif=exif)
    assert read_image(path) == info_of()


@pytest.mark.parametrize(
    ("changes", "prompt"),
    [
        ({"6": node("CLIPTextEncodeSDXL", text_g="sea", text_l="sky", clip=["4", 1])}, "sea, sky"),
        ({"6": node("CLIPTextEncodeSDXL", text_g="sea", text_l="sea", clip=["4", 1])}, "sea"),
        ({"6": node("CLIPTextEncode", text=["20", 0], clip=["4", 1]),
          "20": node("PrimitiveString", value="from afar")}, "from afar"),
        ({"6": node("CLIPTextEncode", text=["20", 0], clip=["4", 1]),
          "20": node("Text Concatenate", text_a=["21", 0], text_b="b", delimiter=" "),
          "21": node("String Literal", string="a,")}, "a, b"),
        ({"6": node("ConditioningCombine", conditioning_1=["20", 0], conditioning_2=["21", 0]),
          "20": node("CLIPTextEncode", text="one", clip=["4", 1]),
          "21": node("CLIPTextEncode", text="two", clip=["4", 1])}, "one, two"),
        ({"6": node("ControlNetApplyAdvanced", positive=["20", 0], negative=["7", 0], strength=1,
                    control_net=["30", 0], image=["31", 0]),
          "20": node("CLIPTextEncode", text="held", clip=["4", 1])}, "held"),
        ({"6": node("Efficient Loader", positive="inside", negative="not this")}, "inside"),
        ({"6": node("ImpactWildcardEncode", wildcard_text="{a|b}", populated_text="a",
                    clip=["4", 1])}, "a"),
        ({"6": node("ConditioningZeroOut", conditioning=["7", 0])}, ""),
        ({"6": node("Elsewhere")}, ""),
    ],
)  # fmt: skip
def test_ways_to_the_words(changes, prompt):
    info = info_of(changes)
    assert (info.prompt, info.negative) == (prompt, "lowres")


def test_settings_behind_links():
    info = info_of(
        sampler(steps=["20", 0], seed=["21", 0], cfg=["22", 0]),
        **{
            "20": node("PrimitiveInt", value=30),
            "21": node("Seed Everywhere", seed=7),
            "22": node("Float", Value=4.5),
        },
    )
    assert [info.settings[key] for key in ("Steps", "Seed", "CFG scale")] == ["30", "7", "4.5"]


def test_a_sampler_of_parts():
    info = info_of(
        {
            "3": node("SamplerCustomAdvanced", noise=["20", 0], guider=["21", 0],
                      sampler=["22", 0], sigmas=["23", 0], latent_image=["5", 0]),
        },
        **{
            "20": node("RandomNoise", noise_seed=9),
            "21": node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=5),
            "22": node("KSamplerSelect", sampler_name="dpmpp_2m"),
            "23": node("BasicScheduler", scheduler="karras", steps=12, denoise=1, model=["4", 0]),
        },
    )  # fmt: skip
    assert (info.prompt, info.negative) == ("1girl, (smile:1.2)", "lowres")
    assert info.settings["Sampler"] == "DPM++ 2M"
    assert info.settings["Schedule type"] == "Karras"
    told = [info.settings[key] for key in ("Seed", "Steps", "CFG scale", "Model")]
    assert told == ["9", "12", "5", "kohaku"]


def test_a_guider_without_negative():
    info = info_of(
        {"3": node("SamplerCustomAdvanced", guider=["21", 0], sampler=["22", 0], sigmas=["23", 0],
                   latent_image=["5", 0])},
        **{"21": node("BasicGuider", conditioning=["6", 0])},
    )  # fmt: skip
    assert (info.prompt, info.negative) == ("1girl, (smile:1.2)", None)


def test_the_first_pass_tells_and_the_second_is_a_hires_pass():
    info = info_of(
        {"8": node("VAEDecode", samples=["13", 0], vae=["4", 2])},
        **{
            "12": node("LatentUpscaleBy", samples=["3", 0], scale_by=1.5, upscale_method="bislerp"),
            "13": node("KSampler", **{**BASE["3"]["inputs"], "seed": 1, "steps": 10,
                                      "denoise": 0.5, "latent_image": ["12", 0]}),
        },
    )  # fmt: skip
    hires = {key: value for key, value in info.settings.items() if "Hires" in key}
    assert hires == {"Hires upscale": "1.5", "Hires steps": "10", "Hires upscaler": "bislerp"}
    assert info.settings["Denoising strength"] == "0.5"
    assert (info.settings["Seed"], info.settings["Steps"]) == ("42", "25")


def test_a_detailer_and_two_saved_pictures():
    detailer = node("FaceDetailer", image=["8", 0], seed=5, steps=9, cfg=4, denoise=0.4,
                    sampler_name="euler", scheduler="normal", positive=["6", 0])  # fmt: skip
    info = info_of(
        {"9": node("PreviewImage", images=["8", 0])},
        **{"12": detailer, "13": node("SaveImage", images=["12", 0])},
    )
    assert info.settings["ADetailer denoising strength"] == "0.4"
    assert (info.settings["Seed"], info.settings["Steps"]) == ("42", "25")


def test_a_refiner():
    advanced = {key: value for key, value in BASE["3"]["inputs"].items() if key != "denoise"}
    info = info_of(
        {"8": node("VAEDecode", samples=["13", 0], vae=["4", 2])},
        **{
            "13": node("KSamplerAdvanced", **{**advanced, "latent_image": ["3", 0],
                                              "model": ["14", 0]}),
            "14": node("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
        },
    )  # fmt: skip
    assert (info.settings["Model"], info.settings["Refiner"]) == ("kohaku", "refiner")


def test_loras_clip_skip_and_image_to_image():
    info = info_of(
        sampler(model=["20", 0], denoise=0.6),
        **{
            "20": node("LoraLoader", lora_name="a/ink.safetensors", strength_model=0.8,
                       model=["21", 0], clip=["22", 0]),
            "21": node("LoraLoader", lora_name="off.safetensors", strength_model=0,
                       model=["4", 0], clip=["22", 0]),
            "22": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
        },
    )  # fmt: skip
    assert info.settings["Lora weights"] == "ink: 0.8"
    assert info.settings["Clip skip"] == "2"
    assert info.settings["Denoising strength"] == "0.6"


def test_nan_and_infinity_are_no_values():
    text = json.dumps({**BASE, **sampler(cfg=float("nan"), steps=float("inf"))})
    assert "NaN" in text
    info = read({"prompt": text})
    assert not {"CFG scale", "Steps"} & info.settings.keys()
    assert info.settings["Seed"] == "42"


@pytest.mark.parametrize("key", ["positive", "latent_image", "model", "seed", "steps"])
def test_circles_end(key):
    circle = {"20": node("Loop", value=["21", 0]), "21": node("Loop", value=["20", 0])}
    info = info_of(sampler(**{key: ["20", 0]}), **circle)
    assert info.settings["Sampler"] == "Euler a"


def test_a_sampler_that_feeds_itself():
    info = info_of(sampler(latent_image=["3", 0], positive=["3", 0]))
    assert (info.prompt, info.settings["Seed"]) == ("", "42")


def test_long_chains_end():
    chain = {str(n): node("Reroute", conditioning=[str(n + 1), 0]) for n in range(100, 50_100)}
    end = {"50100": node("CLIPTextEncode", text="far away")}
    assert info_of(sampler(positive=["100", 0]), **chain, **end).prompt == "far away"


def test_many_passes_end():
    passes = {
        str(n): node("KSampler", **{**BASE["3"]["inputs"], "latent_image": [str(n + 1), 0]})
        for n in range(100, 3_000)
    }
    assert info_of({**passes, **BASE}).settings["Sampler"] == "Euler a"


@pytest.mark.parametrize("graph", [{"1": node("SaveImage")}, {"1": node("KSampler", steps=1)}])
def test_a_graph_without_a_known_sampler(tmp_path, graph):
    with pytest.raises(BrokenDataError, match="no sampler"):
        read({"prompt": json.dumps(graph)})
    path = tmp_path / "a.png"
    path.write_bytes(png_with(prompt=json.dumps(graph)))
    with pytest.raises(UserError, match=r"a\.png.*no sampler"):
        read_image(path)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
_LINKS = st.tuples(st.sampled_from([*BASE, "20", "x"]), st.integers(0, 3)).map(list)
_KEYS = st.sampled_from(
    "text text_g seed steps cfg sampler_name sampler sigmas guider latent_image positive negative "
    "conditioning model clip width height denoise lora_name strength_model ckpt_name".split()
)
_NODES = st.fixed_dictionaries(
    {
        "class_type": st.sampled_from(["KSampler", "SaveImage", "Any", "FaceDetailer"]),
        "inputs": st.dictionaries(_KEYS, _LINKS | _VALUES),
    }
)


@given(st.dictionaries(st.sampled_from([*BASE, "20"]), _NODES | _VALUES))
def test_any_graph_is_read_or_refused(graph):
    try:
        info = read({"prompt": json.dumps({**BASE, **graph})})
    except BrokenDataError:
        return
    assert info is None or all(isinstance(value, str) for value in info.settings.values())
