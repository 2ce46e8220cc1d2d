"""LoRAs, embeddings and VAEs from the job file to the picture, without any network."""

from __future__ import annotations

import shutil
import socket

import msgspec
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

import tagkit  # noqa: E402
from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.job import Embedding, Lora  # noqa: E402
from tagkit.rendering.running import _groups  # noqa: E402

import ldm_checkpoint  # noqa: E402  isort: skip
import network_samples as samples  # noqa: E402  isort: skip

TE1 = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
UNET = "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k"


@pytest.fixture
def folder(tmp_path, components):
    """A folder with a LoRA, an embedding, a VAE, and a tagkit.yaml that names them."""
    modules = ((UNET, samples.plain(48, 64, 1, 4)), (TE1, samples.plain(24, 24, 3)))
    for name in ("loras", "embeddings", "vaes", "checkpoints"):
        (tmp_path / name).mkdir()
    samples.write(tmp_path / "loras" / "ink.safetensors", *modules)
    tables = {"clip_l": samples.random(4, 24), "clip_g": samples.random(4, 40)}
    save_file(tables, tmp_path / "embeddings" / "neg-xl.safetensors")
    vae = ldm_checkpoint._vae(components.vae).items()
    darker = {name: each.float().contiguous() * 0.8 for name, each in vae}
    save_file(darker, tmp_path / "vaes" / "dark.safetensors")
    lines = [f"{name}: [{name}]" for name in ("loras", "embeddings", "vaes", "checkpoints")]
    (tmp_path / "tagkit.yaml").write_text("\n".join(lines))
    return tmp_path


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def job_file(folder, prompts, **defaults):
    said = {"size": "64x64", "steps": 2, "fix": "off", "negative": "none", **defaults}
    path = folder / "jobs.json"
    path.write_bytes(
        msgspec.json.encode({"version": 1, "model": "tiny", "defaults": said, "prompts": prompts})
    )
    return path


@pytest.mark.usefixtures("offline")
def test_every_file_reaches_its_pictures_and_no_other(folder, tiny_weights):
    model = str(tiny_weights.path)
    prompts = [
        {"prompt": "1girl"},
        {"prompt": "1girl", "loras": [{"name": "ink", "weight": 1}]},
        {"prompt": "1girl <lora:ink:0:1>"},
        {"prompt": "1girl <lora:ink:0.9:0>"},
        {"prompt": "1girl", "vae": "dark"},
        {"prompt": "1girl, neg-xl"},
        {"prompt": "1girl, (halo:1.4)", "emphasis": "no-norm"},
        {"prompt": "1girl, (halo:1.4)"},
        {"prompt": "1girl", "seed": 1, "cfg": 5.5},
    ]
    job = job_file(folder, prompts, cfg=5)
    summary = tagkit.render(job, folder / "out", checkpoint=model)
    assert summary.jobs.done == len(prompts)
    files = sorted((folder / "out").glob("*.png"))
    pictures = [np.asarray(Image.open(file)).astype(int) for file in files]
    assert len({each.tobytes() for each in pictures}) == len(prompts)
    job = job_file(folder, prompts[:1], cfg=5)
    alone = tagkit.render(job, folder / "alone", checkpoint=model)
    assert alone.jobs.done == 1
    [file] = (folder / "alone").glob("*.png")
    # It shared a batch there, and processors round sums of another length in another way.
    assert np.abs(np.asarray(Image.open(file)) - pictures[0]).max() <= 3


def test_a_lora_of_another_family_stops_the_batch(folder):
    to_k = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    samples.write(folder / "loras" / "old.safetensors", (to_k, samples.plain(320, 768)))
    path = job_file(folder, [{"prompt": "1girl"}, {"prompt": "1girl <lora:old:1>"}])
    with pytest.raises(UserError, match=r"old\.safetensors.*Stable Diffusion 1\.5"):
        tagkit.render(path, folder / "out")
    assert not list((folder / "out").glob("*.png"))


def test_a_lora_that_does_not_fit_stops_the_batch_before_its_first_picture(folder):
    """Its header names the right family; only the model itself tells that it is another's."""
    samples.write(folder / "loras" / "wide.safetensors", (UNET, samples.plain(48, 96)))
    path = job_file(folder, [{"prompt": "1girl"}, {"prompt": "1girl <lora:wide:1>"}])
    with pytest.raises(UserError, match=r"wide\.safetensors.*does not fit"):
        tagkit.render(path, folder / "out")
    assert not list((folder / "out").glob("*.png"))


def test_a_checkpoint_of_another_family_stops_the_batch(folder):
    save_file({"cond_stage_model.transformer.x": torch.zeros(1)}, folder / "old.safetensors")
    path = job_file(folder, [{"prompt": "1girl"}])
    with pytest.raises(UserError, match=r"Stable Diffusion 1\.5"):
        tagkit.render(path, folder / "out", checkpoint=str(folder / "old.safetensors"))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_truncated_checkpoint_stops_the_batch(folder, components, tiny_weights, kind):
    path = folder / "model.safetensors"
    save_file(ldm_checkpoint.checkpoint(components), path)
    cut, checkpoint = path, path
    if kind == "folder":
        checkpoint = folder / "model"
        shutil.copytree(tiny_weights.path, checkpoint)
        cut = next((checkpoint / "unet").glob("*.safetensors"))
    cut.write_bytes(cut.read_bytes()[:-1000])
    job = job_file(folder, [{"prompt": "1girl"}])
    with pytest.raises(UserError, match=r"safetensors` is cut short: 1,000 bytes"):
        tagkit.render(job, folder / "out", checkpoint=str(checkpoint))
    assert not (folder / "out").exists()


def test_a_checkpoint_says_what_it_predicts(folder):
    path = job_file(folder, [{"prompt": "1girl", "model": "baxl-v3"}])
    marks = {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0), "x": torch.zeros(1)}
    save_file(marks, folder / "checkpoints" / "v.safetensors")
    [job] = tagkit.plan(path, checkpoint="v")
    assert (job.prediction, job.zero_snr) == ("v-prediction", True)
    [job] = tagkit.plan(path)
    assert (job.prediction, job.zero_snr) == ("epsilon", False)


def test_jobs_of_one_set_of_loras_come_together(make_job):
    ink, flat = (Lora(name, digest=name) for name in ("ink", "flat"))
    jobs = [
        make_job(loras=loras, steps=steps)
        for steps in (2, 3)
        for loras in ((ink,), (flat,), (ink, flat))
    ]
    order = [[lora.name for lora in group[0].loras] for group in _groups(jobs)]
    assert order == [["ink"]] * 2 + [["flat"]] * 2 + [["ink", "flat"]] * 2


def test_prompts_of_as_many_chunks_share_a_batch_whatever_they_embed(make_job):
    long = Embedding("neg-xl", "abc", 70)
    prompts = ["1girl", "1girl, neg-xl", "1girl, blue hair, smile, neg-xl"]
    jobs = [make_job(prompt=prompt, embeddings=(long,)) for prompt in prompts]
    jobs.append(make_job(prompt="sky"))
    short, filled = ([job.prompt for job in group] for group in _groups(jobs))
    assert short == ["1girl", "1girl, neg-xl", "sky"]
    assert filled == ["1girl, blue hair, smile, neg-xl"]
