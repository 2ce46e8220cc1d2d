"""Pictures made elsewhere, rendered as their records say."""

from __future__ import annotations

import hashlib

import pytest

from tagkit.errors import UserError
from tagkit.infotext import read_infotext
from tagkit.rendering.blocks import DetailerEntry, Hires, LoraEntry
from tagkit.rendering.recorded import recorded_fields
from tagkit.settings import Settings

BASE = "Steps: 25, Sampler: Euler a, CFG scale: 6, Seed: 7, Size: 832x1216"
HIRES = (
    "Denoising strength: 0.45, Hires upscale: 1.5, Hires steps: 15, Hires upscaler: DAT x2, "
    'Hires CFG Scale: 5, Hires sampler: DPM++ 2M, Hires prompt: "1girl, closeup", '
    "Hires negative prompt: hat"
)
ADETAILER = (
    'ADetailer model: face_yolov8n.pt, ADetailer prompt: "smile [SEP] [SKIP]", '
    "ADetailer confidence: 0.5, ADetailer method to decide top k masks: Confidence, "
    "ADetailer mask only top k: 2, ADetailer dilate erode: 8, ADetailer mask blur: 6, "
    "ADetailer denoising strength: 0.35, ADetailer inpaint only masked: True, "
    "ADetailer inpaint padding: 48, ADetailer use inpaint width height: True, "
    "ADetailer inpaint width: 768, ADetailer inpaint height: 1024, "
    "ADetailer use separate steps: True, ADetailer steps: 12, "
    "ADetailer use separate sampler: True, ADetailer sampler: DPM++ 2M Karras, "
    "ADetailer scheduler: Use same scheduler, "
    "ADetailer CFG scale: 4, ADetailer model 2nd: hand_yolov8n.pt, "
    "ADetailer confidence 2nd: 0.3, ADetailer version: 25.3.0"
)


def fields(settings, **more):
    text = f"1girl\n{BASE}, {settings}"
    return recorded_fields(read_infotext(text).settings | more, "a.txt:1")


def test_hires_fix():
    assert fields(HIRES).hires == Hires(
        upscaler="DAT x2", scale=1.5, denoise=0.45, steps=15, cfg=5, sampler="dpm++-2m",
        prompt="1girl, closeup", negative="hat",
    )  # fmt: skip
    resized = fields("Denoising strength: 0.7, Hires resize: 1024x1536, Hires upscaler: Latent")
    assert resized.hires == Hires(upscaler="Latent", size="1024x1536", denoise=0.7, steps=0)
    assert fields("RNG: CPU").hires is None


def test_adetailer():
    face, hand = fields(ADETAILER).detailer
    assert face == DetailerEntry(
        "face_yolov8n", prompt="smile [SEP] [SKIP]", confidence=0.5, select="confidence", top_k=2,
        dilate=8, blur=6, denoise=0.35, only_masked=True, padding=48, size="768x1024", steps=12,
        sampler="dpm++-2m", scheduler="karras",
    )  # fmt: skip
    assert hand == DetailerEntry("hand_yolov8n", confidence=0.3, denoise=0.4)
    assert fields("ADetailer model: None").detailer is None


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        ("Euler a", ("euler-a", "automatic")),
        ("DPM++ 2M Karras", ("dpm++-2m", "karras")),
        ("DPM++ 2M", ("dpm++-2m", "uniform")),  # no schedule: it was written before 1.9
        ("DPM++ 2M, Schedule type: Exponential", ("dpm++-2m", "exponential")),
        ("DPM++ 2M, Schedule type: Automatic", ("dpm++-2m", "automatic")),
        ("Euler, Schedule type: Normal", ("euler", "normal")),
        ("Euler, Schedule type: SGM Uniform", ("euler", "sgm-uniform")),
        ("DDIM", ("ddim", "automatic")),
    ],
)
def test_samplers_and_schedules(sampler, expected):
    said = fields("RNG: CPU", **read_infotext(f"x\nSteps: 1, Sampler: {sampler}").settings)
    assert (said.sampler, said.scheduler) == expected


def test_the_rest():
    said = fields("VAE: sdxl_vae.safetensors, Clip skip: 2, Emphasis: No norm, RNG: NV")
    assert (said.vae, said.clip_skip, said.emphasis, said.rng) == (
        "sdxl_vae.safetensors", None, "no-norm", "nv",
    )  # fmt: skip
    assert fields("Clip skip: 1, Version: ComfyUI").clip_skip == 1
    assert fields("Lora weights: 'x'", **{"Lora weights": "ink: 0.8, a:b: 1"}).loras == (
        LoraEntry("ink", 0.8), LoraEntry("a:b", 1.0),
    )  # fmt: skip
    assert fields("Eta: 0, ENSD: 0, Tiling: False").steps == 25


@pytest.mark.parametrize(
    "setting",
    ["ENSD: 31337", "Eta: 0.67", "NGMS: 0.2", "Refiner: x", "Token merging ratio: 0.5",
     "ControlNet 0: x", "Variation seed: 3", "Face restoration: CodeFormer", "Tiling: True",
     "Schedule type: Align Your Steps", "Hires checkpoint: x", "Denoising strength: 0.5",
     "ADetailer model: a, ADetailer use separate VAE: True", "UniPC order: 2"],
)  # fmt: skip
def test_what_cannot_be_made_again_is_refused_by_name(setting):
    with pytest.raises(UserError) as caught:
        fields(setting)
    assert setting.rpartition(", ")[2].split(":")[0].split(" type")[0].lower() in (
        caught.value.what.lower()
    )
    assert caught.value.where == "a.txt:1"


def test_a_lora_that_is_another_file_than_the_records_is_warned_of(plan, tmp_path):
    header = b'{"lora_unet_out_0.lora_down.weight": {"shape": [7], "data_offsets": [0, 7]}}'
    content = len(header).to_bytes(8, "little") + header + b"tensors"
    (tmp_path / "ink.safetensors").write_bytes(content)
    settings = Settings(loras=(tmp_path,))
    record = f"<lora:ink:1>\n{BASE.replace('832x1216', '64x64')}, Model: tiny, Lora hashes: "

    def warnings(digest):
        return plan([f'{record}"ink: {digest}, lost: 0123456789ab"'], settings=settings).warnings

    [warning] = warnings("0123456789ab")
    assert "ink" in warning
    own = warning.split(": ")[1].split(",")[0]
    assert warnings(own) == warnings(own.upper()) == warnings(own[:10]) == ()


def test_a_model_without_card_is_found_by_its_name_or_warned_of(plan, tmp_path):
    (tmp_path / "own mix.safetensors").write_bytes(b"weights")
    settings = Settings(checkpoints=(tmp_path,))
    digest = hashlib.sha256(b"weights").hexdigest()

    def planned(model, overrides=()):
        record = f"1girl\n{BASE.replace('832x1216', '64x64')}, Model: {model}"
        return plan([record], overrides, settings=settings)

    for line, warnings in (
        (f"own mix, Model hash: {digest[:10]}", 0),
        ("own mix", 0),
        ("own mix, Model hash: 0123456789", 1),
    ):
        found = planned(line)
        assert (found.jobs[0].checkpoint, found.jobs[0].weights) == ("own mix", digest)
        assert len(found.warnings) == warnings
    lost = planned("unheard of")
    assert lost.jobs[0].checkpoint == ""
    assert "unheard of" in lost.warnings[0]
    chosen = planned("own mix", ["model=tiny"])
    assert (chosen.jobs[0].checkpoint, chosen.warnings) == ("", ())


def test_a_record_with_passes_is_planned_with_them(plan, tmp_path):
    (tmp_path / "face_yolov8n.onnx").write_bytes(b"face")
    (tmp_path / "hand_yolov8n.onnx").write_bytes(b"hand")
    (tmp_path / "DAT x2.pth").write_bytes(b"dat")
    settings = Settings(detectors=(tmp_path,), upscalers=(tmp_path,))
    line = f"{BASE.replace('832x1216', '64x96')}, Model: tiny, {HIRES}, {ADETAILER}"
    [job] = plan([f"1girl\n{line}"], settings=settings, defaults={"hires": "off"}).jobs
    assert (job.hires.width, job.hires.height, job.hires.denoise) == (96, 144, 0.45)
    assert [each.detector for each in job.detailer] == ["face_yolov8n", "hand_yolov8n"]
    assert (job.detailer[0].sampler, job.detailer[0].scheduler) == ("dpm++-2m", "karras")
    assert job.id
