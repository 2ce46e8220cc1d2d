"""Passes, networks and files: from what a job file says to complete jobs."""

from __future__ import annotations

import hashlib
import math
from random import Random

import msgspec
import pytest

from tagkit.cards import image_card
from tagkit.errors import UserError
from tagkit.infotext.hashes import lora_hash
from tagkit.rendering.finding import find_files, unchanged
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.job import DetailerPass, Embedding, HiresPass, Job, Lora
from tagkit.rendering.jobfile import parse_overrides, read_source
from tagkit.rendering.planning import make_plan
from tagkit.rendering.session import Order, planned
from tagkit.settings import SEARCHED, Settings

from safetensors_bytes import inversion  # isort: skip

READS_TEXT = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight"


def safetensors(mark=b"", **shapes):
    """A file with tensors of these shapes, of nothing but zeros; `mark` tells two apart."""
    header, end = {"__metadata__": {"mark": mark.decode()}}, 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape)
        header[name] = {"dtype": "U8", "shape": shape, "data_offsets": [start, end]}
    text = msgspec.json.encode(header)
    return len(text).to_bytes(8, "little") + text + bytes(end)


LORA = safetensors(**{READS_TEXT: [1, 2048]})
STYLE = safetensors(b"style", **{READS_TEXT: [1, 2048]})
VAE = safetensors(**{"decoder.conv_in.weight": [8, 4, 3, 3]})
NO_FOLDERS = Settings()
LANCZOS = {"upscaler": "lanczos", "denoise": 0.4}


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folders(tmp_path):
    """Settings whose folders hold a file or two of every kind."""
    files = {
        "loras/ink.safetensors": LORA,
        "loras/style/flat.v2.safetensors": STYLE,
        "loras/small.safetensors": safetensors(**{READS_TEXT: [1, 768]}),
        "loras/short.safetensors": LORA[:-5],
        "loras/old.pt": b"pickle",
        "embeddings/bad hands.safetensors": inversion(2),
        "embeddings/neg-xl.safetensors": inversion(3),
        "vaes/fixed.safetensors": VAE,
        "upscalers/4x-lines.pth": b"lines",
        "upscalers/ink.safetensors": LORA,
        "detectors/face_yolov8n.onnx": b"face",
        "detectors/hand.pt": b"pickle",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Settings(**{kind: (tmp_path / kind,) for kind in SEARCHED})


def one(plan, fields, settings=NO_FOLDERS):
    """The job of one prompt with these fields."""
    [job] = plan([{"prompt": "1girl", "negative": "none", **fields}], settings=settings).jobs
    return job


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ({"scale": 1.5}, (192, 288)),
        ({"scale": 1.55}, (192, 296)),  # 198 and 297 lose what is no multiple of 8
        ({"size": "256x256"}, (256, 256)),
        ({"size": "200x0"}, (200, 296)),
        ({"size": "0x300"}, (200, 296)),
        ({"size": "256x256", "scale": 3}, (256, 256)),
        ({}, (256, 384)),  # the card's
    ],
)
def test_hires_target_sizes_are_counted_as_a1111_counts_them(plan, said, size):
    hires = one(plan, {"size": "128x192", "hires": {**LANCZOS, **said}}).hires
    assert (hires.width, hires.height) == size


def test_what_hires_leaves_out_is_the_cards(plan):
    advised = image_card("tiny").hires
    hires = one(plan, {"hires": "card"}).hires
    assert (hires.upscaler, hires.denoise, hires.steps) == (
        advised.upscaler, advised.denoise.default, advised.steps,
    )  # fmt: skip
    assert one(plan, {"hires": {"upscaler": "lanczos"}}).hires.denoise == advised.denoise.default


def test_every_word_of_hires_reaches_the_job(plan):
    said = {
        "upscaler": "Latent (nearest-exact)", "scale": 2, "denoise": 0.6, "steps": 7, "cfg": 3,
        "sampler": "DPM++ 2M Karras", "prompt": "1girl, closeup", "negative": "hat",
    }  # fmt: skip
    assert one(plan, {"hires": said}).hires == HiresPass(
        upscaler="latent-nearest-exact", width=256, height=256, denoise=0.6, steps=7, cfg=3,
        sampler="dpm++-2m", scheduler="karras", prompt="1girl, closeup", negative="hat", digest="",
    )  # fmt: skip


def test_a_card_without_upscaler_or_detector_is_named(plan):
    for field in ("hires", "detailer"):
        with pytest.raises(UserError, match="pony-v6") as caught:
            one(plan, {"model": "pony-v6", "size": "1024x1024", field: "card"})
        assert "jobs.json:1" in caught.value.where
        assert field in caught.value.hint


def test_detailers(plan, folders):
    said = [
        {"detector": "face_yolov8n", "size": "256x256", "select": "confidence", "top_k": 1},
        {"detector": "face_yolov8n.onnx", "denoise": 0.2, "prompt": "[PROMPT] [SEP] smile"},
    ]
    job = one(plan, {"detailer": said}, folders)
    face = digest(b"face")
    assert job.detailer == (
        DetailerPass(
            "face_yolov8n", width=256, height=256, select="confidence", top_k=1, digest=face
        ),
        DetailerPass("face_yolov8n.onnx", denoise=0.2, prompt="[PROMPT] [SEP] smile", digest=face),
    )
    assert job.id
    [card] = image_card("tiny").detailer
    assert [each.detector for each in one(plan, {"detailer": "card"}).detailer] == [card.detector]


@pytest.mark.parametrize(
    ("fields", "loras"),
    [
        ({"loras": [{"name": "ink"}]}, [("ink", 1, 1)]),
        ({"loras": [{"name": "ink", "weight": 0.5}]}, [("ink", 0.5, 0.5)]),
        ({"loras": [{"name": "ink", "weight": 0.5, "text_weight": 0}]}, [("ink", 0.5, 0)]),
        ({"loras": [{"name": "ink", "weight": 0}]}, []),
        ({"prompt": "a <lora:ink:0.8>"}, [("ink", 0.8, 0.8)]),
        ({"prompt": "a <lora:ink>"}, [("ink", 1, 1)]),
        ({"prompt": "a <lora:ink:0.8:0.5>"}, [("ink", 0.5, 0.8)]),  # text encoders come first
        ({"prompt": "a <lora:ink:1:unet=0.3>"}, [("ink", 0.3, 1)]),
        ({"prompt": "a <lora:ink:te=0.3:unet=0.6>"}, [("ink", 0.6, 0.3)]),
        ({"prompt": "a <lyco:flat.v2:-1>"}, [("flat.v2", -1, -1)]),
        ({"prompt": "a <lora:style/flat.v2:1>"}, [("style/flat.v2", 1, 1)]),
        ({"prompt": "a <lora:ink:1>", "loras": [{"name": "flat.v2"}]},
         [("flat.v2", 1, 1), ("ink", 1, 1)]),
    ],
)  # fmt: skip
def test_loras(plan, folders, fields, loras):
    job = one(plan, fields, folders)
    assert [(each.name, each.weight, each.text_weight) for each in job.loras] == loras
    assert job.id
    assert job.prompt == fields.get("prompt", "1girl")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": "a <lora:nope:1>"}, ["LoRA `nope`", "loras"]),
        ({"loras": [{"name": "old"}]}, ["old.pt", "pickle", ".safetensors"]),
        ({"prompt": "a <lora:ink:heavy>"}, ["<lora:ink:heavy>", "number"]),
        ({"prompt": "a <lora:ink:nan>"}, ["number"]),
        ({"prompt": "a <lora:ink:1:1:4>"}, ["rank"]),
        ({"prompt": "a <hypernet:ink:1>"}, ["hypernet"]),
        ({"prompt": "a <lora:small:1>"}, ["small.safetensors", "Stable Diffusion 1.5", "SDXL"]),
        ({"prompt": "a <lora:short:1>"}, ["short.safetensors", "cut short"]),
        ({"hires": {"upscaler": "ink"}}, ["no upscaler but a LoRA for SDXL"]),
        ({"vae": "nope"}, ["VAE `nope`", "vaes"]),
        ({"hires": {"upscaler": "nope"}}, ["upscaler `nope`", "upscalers"]),
        ({"detailer": [{"detector": "nope"}]}, ["detector `nope`", "detectors"]),
        ({"detailer": [{"detector": "hand"}]}, ["hand.pt", "pickle", "ONNX"]),
        ({"hires": {**LANCZOS, "prompt": "a <lora:ink:1>"}}, ["later pass", "ink"]),
    ],
)
def test_what_cannot_be_had_leaves_the_job_unresolved(plan, folders, fields, words):
    job = one(plan, fields, folders)
    assert job.id is None
    assert all(word in job.unresolved for word in words), job.unresolved


def test_what_cannot_be_had_is_told_with_its_first_line_and_the_nearest_name(tmp_path, folders):
    path = tmp_path / "jobs.yaml"
    path.write_text(
        "model: tiny\ndefaults:\n  cfg: 5\n  loras: [{name: inck}]\nprompts:\n  - a\n  - b\n"
    )
    jobs = make_plan([read_source(path)], folders, Random(0)).jobs
    assert {job.unresolved for job in jobs} == {jobs[0].unresolved}
    assert jobs[0].unresolved.startswith("there is no LoRA `inck`")
    assert "did you mean `ink`?" in jobs[0].unresolved
    assert jobs[0].unresolved.endswith(f"({path}:4)")


def test_upscalers_of_cards_are_found_by_every_name_of_them(plan, folders, tmp_path):
    assert one(plan, {"hires": "card"}).hires.upscaler == "tiny-dat-x2"
    missing = one(plan, {"hires": {"upscaler": "DAT x2"}}, folders)
    assert missing.id is None
    assert "DAT_x2.pth" in missing.unresolved
    assert "tagkit models pull dat-x2" in missing.unresolved
    (tmp_path / "upscalers" / "DAT_x2.pth").write_bytes(b"dat")
    for name in ("dat-x2", "DAT x2", "DAT_x2"):
        assert one(plan, {"hires": {"upscaler": name}}, folders).hires.digest == digest(b"dat")


def test_detectors_of_cards_come_with_tagkit_or_from_where_they_were_fetched(
    plan, tmp_path, monkeypatch
):
    monkeypatch.setenv("TAGKIT_DATA", str(tmp_path))
    [own] = one(plan, {"detailer": "card"}).detailer
    assert (own.detector, len(own.digest)) == ("tiny-face", 64)
    fields = {"detailer": [{"detector": "anime-face"}]}
    missing = one(plan, fields)
    assert missing.id is None
    assert "tagkit models pull anime-face" in missing.unresolved
    (tmp_path / "detectors").mkdir()
    (tmp_path / "detectors" / "anime-face-1.4-s.onnx").write_bytes(b"face")
    assert one(plan, fields).detailer[0].digest == digest(b"face")


def test_without_folders_it_is_said_how_to_name_them(plan):
    assert "`loras: [folder]`" in one(plan, {"prompt": "a <lora:ink:1>"}).unresolved


def test_embeddings_are_found_by_their_bare_names(plan, folders):
    fields = {"negative": {"text": "(Neg-XL:1.2), bad hands", "complete": "none"}, "fix": "off"}
    assert one(plan, fields, folders).embeddings == (
        Embedding("bad hands", digest(inversion(2)), 2),
        Embedding("neg-xl", digest(inversion(3)), 3),
    )  # fmt: skip
    assert one(plan, fields, folders).tokens.negative == 3 + 1 + 2
    assert one(plan, {"prompt": "bad handsome"}, folders).embeddings == ()
    hires = {"hires": {**LANCZOS, "negative": "neg-xl"}}
    assert [each.name for each in one(plan, hires, folders).embeddings] == ["neg-xl"]


def test_an_embedding_of_another_family_is_named(plan, folders):
    (folders.embeddings[0] / "old.safetensors").write_bytes(
        safetensors(emb_params=(4, 768)),
    )
    assert "Stable Diffusion 1" in one(plan, {"prompt": "old"}, folders).unresolved


@pytest.mark.parametrize("name", ["auto", "none", "Automatic"])
def test_the_checkpoints_own_vae(plan, name):
    assert one(plan, {"vae": name}).id == one(plan, {}).id


def test_an_id_hashes_digests_not_names(plan, folders, tmp_path):
    fields = {
        "vae": "fixed", "loras": [{"name": "ink"}], "hires": {"upscaler": "4x-lines"},
        "detailer": [{"detector": "face_yolov8n"}],
    }  # fmt: skip
    before = one(plan, fields, folders)
    assert before.vae_digest == digest(VAE)
    assert before.hires.digest == digest(b"lines")
    renamed = {
        "vaes/fixed.safetensors": "vaes/other.safetensors",
        "loras/ink.safetensors": "loras/other.safetensors",
        "upscalers/4x-lines.pth": "upscalers/other.pth",
        "detectors/face_yolov8n.onnx": "detectors/other.onnx",
    }
    for old, new in renamed.items():
        (tmp_path / old).rename(tmp_path / new)
    other = {
        "vae": "other", "loras": [{"name": "other"}], "hires": {"upscaler": "other"},
        "detailer": [{"detector": "other"}],
    }  # fmt: skip
    assert one(plan, other, folders).id == before.id
    for place in renamed.values():
        content = (tmp_path / place).read_bytes()
        (tmp_path / place).write_bytes(content + b"!!!!")
        assert one(plan, other, folders).id != before.id
        (tmp_path / place).write_bytes(content)


CHANGES = [
    {"hires": LANCZOS}, {"hires": {**LANCZOS, "denoise": 0.5}}, {"hires": {"upscaler": "latent"}},
    {"hires": {**LANCZOS, "steps": 3}}, {"hires": {**LANCZOS, "prompt": "x"}},
    {"sampler": "euler"}, {"scheduler": "karras"}, {"emphasis": "no-norm"}, {"clip_skip": 1},
    {"cfg_rescale": 0.2}, {"vae": "fixed"}, {"loras": [{"name": "ink"}]},
    {"loras": [{"name": "ink", "weight": 0.5}]}, {"detailer": [{"detector": "face_yolov8n"}]},
    {"detailer": [{"detector": "face_yolov8n", "blur": 5}]},
]  # fmt: skip


def test_an_id_stands_for_every_pass_and_network(plan, folders):
    ids = {one(plan, change, folders).id for change in ({}, *CHANGES)}
    assert None not in ids
    assert len(ids) == len(CHANGES) + 1


SAME = [
    {"format": "webp"}, {"clip_skip": 2}, {"hires": "off"}, {"loras": []},
    {"sampler": "Euler a", "scheduler": "Automatic"},
]  # fmt: skip


@pytest.mark.parametrize("fields", SAME, ids=str)
def test_what_decides_nothing_is_no_part_of_the_id(plan, fields):
    assert one(plan, fields).id == one(plan, {}).id


def test_a_schedule_that_is_the_samplers_own_is_none_of_its_own(plan):
    said = {"sampler": "DPM++ 2M"}
    assert one(plan, said).id == one(plan, {**said, "scheduler": "karras"}).id
    assert one(plan, said).id != one(plan, {**said, "scheduler": "uniform"}).id


def test_formats_have_their_suffixes(plan):
    files = [one(plan, {"format": form}).file for form in ("png", "jpeg", "webp")]
    assert files == ["00000-1.png", "00000-1.jpg", "00000-1.webp"]


def test_safety_is_judged_over_the_prompts_of_all_passes(plan):
    for later in (
        {"hires": {**LANCZOS, "prompt": "1girl, nude"}},
        {"detailer": [{"detector": "face", "prompt": "[SEP] 1girl, nude"}]},
    ):
        job = one(plan, {"prompt": "1girl, loli", **later})
        assert job.refused
    assert not one(plan, {"prompt": "1girl, loli"}).refused


def test_wildcards_of_later_passes_are_drawn_for_each_image(plan):
    entry = {"prompt": "1girl", "hires": {**LANCZOS, "prompt": "{a|b}"}, "count": 20}
    jobs = plan([entry]).jobs
    assert {job.hires.prompt for job in jobs} == {"a", "b"}
    alone = plan([{**entry, "seed": 7, "count": 1}]).jobs[0]
    assert alone.hires.prompt == next(job for job in jobs if job.seed == 7).hires.prompt


def test_files_of_jobs_are_found_again_by_their_digests(plan, folders, tmp_path):
    job = one(plan, {"prompt": "a <lora:ink:1>", "vae": "fixed"}, folders)
    found = find_files([job], folders, FileHashes())
    assert found == {
        digest(LORA): tmp_path / "loras" / "ink.safetensors",
        digest(VAE): tmp_path / "vaes" / "fixed.safetensors",
    }
    assert unchanged([job], folders, FileHashes())
    (tmp_path / "vaes" / "fixed.safetensors").write_bytes(VAE + b"!")
    assert not unchanged([job], folders, FileHashes())
    (tmp_path / "loras" / "ink.safetensors").unlink()
    with pytest.raises(UserError, match="ink"):
        find_files([job], folders, FileHashes())


def test_a_full_path_needs_no_folder(plan, folders, tmp_path):
    path = tmp_path / "loras" / "ink.safetensors"
    job = one(plan, {"loras": [{"name": str(path)}]})
    assert job.loras == (Lora(str(path), 1, 1, digest(LORA), lora_hash(path)),)
    assert job.id == one(plan, {"loras": [{"name": "ink"}]}, folders).id


@pytest.mark.parametrize(
    ("marks", "trained"),
    [
        ({}, ("epsilon", False)),
        ({"v_pred": [0]}, ("v-prediction", False)),
        ({"v_pred": [0], "ztsnr": [0]}, ("v-prediction", True)),
    ],
)
def test_a_checkpoint_says_what_it_predicts(tmp_path, marks, trained):
    path, prompts = tmp_path / "mix.safetensors", tmp_path / "p.txt"
    path.write_bytes(safetensors(**marks))
    prompts.write_text("1girl\n")
    order = Order((prompts,), parse_overrides(["model=baxl-v3"]), str(path))
    [job] = planned(order).jobs
    assert (job.prediction, job.zero_snr) == trained


def test_a_job_survives_the_manifest(plan, folders):
    job = one(plan, {"hires": LANCZOS, "prompt": "<lora:ink:1>", **CHANGES[-1]}, folders)
    assert msgspec.json.decode(msgspec.json.encode(job), type=Job) == job
