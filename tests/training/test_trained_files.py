"""What training leaves is read by tagkit's own loader, and bears the names of other programs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

import ldm_checkpoint  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.components import Components, load_components  # noqa: E402
from tagkit.rendering.hashes import FileHashes  # noqa: E402
from tagkit.rendering.headers import read_header  # noqa: E402
from tagkit.rendering.job import Lora  # noqa: E402
from tagkit.rendering.prediction import prediction_of  # noqa: E402
from tagkit.rendering.recognising import require_checkpoint, require_lora  # noqa: E402
from tagkit.rendering.wardrobe import Wardrobe  # noqa: E402
from tagkit.rendering.weights import Weights, find_weights  # noqa: E402
from tagkit.training.networks import build_components  # noqa: E402
from tagkit.training.single_file import checkpoint_tensors  # noqa: E402

VARIED = {"v-prediction": ("v-prediction", True), "epsilon": ("epsilon", False)}


def weights_of(components: Components) -> dict[str, torch.Tensor]:
    return {
        f"{part}.{name.removeprefix('text_model.')}": tensor.float()
        for part, network in components._asdict().items()
        for name, tensor in network.state_dict().items()
    }


def differing(one: Components, other: Components) -> list[str]:
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    return [name for name in first if not torch.equal(first[name], second[name])]


def opened_file(path, config):
    return load_components(Weights("file", path, config, ""))


def opened_folder(path):
    from tagkit.cards import image_card

    return load_components(find_weights(image_card("tiny"), str(path), (), FileHashes()))


def test_a_single_file_has_the_names_and_tensors_of_other_programs():
    """Against a conversion that was written apart from this one, on a model of three levels."""
    components = build_components(Path(ldm_checkpoint.__file__).with_name("random_model"))
    ours, theirs = (
        checkpoint_tensors(components, torch.float16),
        ldm_checkpoint.checkpoint(components),
    )
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor.half()), name


def test_file_and_folder_hold_the_same_trained_model(train, config):
    summary = train(trained="unet+text")
    file, folder = summary.files
    require_checkpoint(file)
    from_file, from_folder = opened_file(file, config), opened_folder(folder)
    assert differing(from_file, from_folder) == []
    torch.manual_seed(1)
    start = build_components(config)
    before, after = weights_of(start), weights_of(from_folder)
    changed = {name.partition(".")[0] for name in before if not before[name].equal(after[name])}
    assert changed == {"unet", "text_encoder", "text_encoder_2"}


def test_the_folder_is_one_for_diffusers(train):
    from diffusers import StableDiffusionXLPipeline

    _, folder = train().files
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        folder, tokenizer=None, tokenizer_2=None, add_watermarker=False, local_files_only=True
    )
    assert pipeline.scheduler.config.prediction_type == "epsilon"


@pytest.mark.parametrize(
    "precision", [{"mixed": "bf16"}, {"full": "bf16"}, {"mixed": "bf16", "full": "bf16"}], ids=str
)
def test_what_is_not_trained_comes_out_as_it_went_in(train, config, precision):
    """Also after samples, and where training is less precise than what is saved."""
    samples = {"prompts": ["hat"], "every_steps": 1, "steps": 1}
    trained = weights_of(opened_folder(train(precision=precision, samples=samples).files[1]))
    torch.manual_seed(1)
    for name, tensor in weights_of(build_components(config)).items():
        if not name.startswith("unet."):
            assert torch.equal(trained[name], tensor), name


@pytest.mark.parametrize(("kind", "zero_snr"), VARIED.values(), ids=VARIED)
def test_the_file_says_how_it_was_trained(train, kind, zero_snr):
    loss = {"prediction": kind, "zero_snr": zero_snr}
    file, folder = train(loss=loss, about={"title": "Small", "author": "Somebody"}).files
    header = read_header(file)
    said = header.metadata
    assert said["modelspec.architecture"] == "stable-diffusion-xl-v1-base"
    assert (said["modelspec.title"], said["modelspec.author"]) == ("Small", "Somebody")
    assert said["modelspec.date"] == "2026-01-02T03:04:05+00:00"
    assert prediction_of({**header.shapes, "__metadata__": said}) == (kind, zero_snr)
    written = json.loads(said["tagkit.recipe"])
    assert written["learning_rate"] == 0.001
    assert written["data"] == [{"folder": "pictures"}]
    scheduler = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    assert scheduler["prediction_type"] == kind.replace("-", "_")


def test_no_path_of_the_machine_is_told(train, tmp_path):
    file, _ = train(data=[{"folder": str(tmp_path / "pictures")}]).files
    assert str(tmp_path) not in json.dumps(dict(read_header(file).metadata))
    state = (tmp_path / "out" / "checkpoints" / "00000002" / "state.json").read_text()
    assert str(tmp_path) not in state


def test_a_tiny_vae_goes_with_the_folder_alone(train, config_of_tiny_vae):
    start = {"config": str(config_of_tiny_vae), "seed": 1}
    with pytest.raises(UserError) as caught:
        train(**{"from": start})
    assert "AutoencoderTiny" in caught.value.what
    assert "single_file: false" in caught.value.hint
    (folder,) = train(**{"from": start}, save={"single_file": False}).files
    assert type(opened_folder(folder).vae).__name__ == "AutoencoderTiny"


def test_a_trained_vae_is_taken_from_where_it_lies(train, config, tmp_path):
    torch.manual_seed(5)
    vae = build_components(config).vae
    vae.save_pretrained(tmp_path / "vae")
    shutil.copytree(config, tmp_path / "mine")
    shutil.copy(next((tmp_path / "vae").glob("*.safetensors")), tmp_path / "mine" / "vae")
    for name, start in {
        "folder": {"config": str(config), "vae": "vae"},
        "file": {"config": str(config), "vae": "vae/diffusion_pytorch_model.safetensors"},
        "beside its config": {"config": "mine"},
    }.items():
        trained = opened_folder(train(name, **{"from": start}).files[1]).vae.state_dict()
        assert all(torch.equal(trained[key], each) for key, each in vae.state_dict().items()), name


@pytest.mark.parametrize("targets", ["attention", "transformers", "all"])
def test_a_lora_does_for_the_renderer_what_it_did_in_training(train, config, targets, tmp_path):
    lora = {"rank": 2, "alpha": 4, "targets": targets}
    save = {"precision": "fp32"}
    (file,) = train(trained="unet+text", lora=lora, learning_rate=0.1, save=save).files
    require_lora(file)
    torch.manual_seed(1)
    components = build_components(config)
    before = {name: each.clone() for name, each in weights_of(components).items()}
    Wardrobe(components, {"digest": file}).wear([Lora("lora", 1.0, 1.0, digest="digest")])
    tensors = load_file(tmp_path / "out" / "checkpoints" / "00000002" / "weights.safetensors")
    downs = [name for name in tensors if ".lora_A." in name]
    assert len(load_file(file)) == 3 * len(downs)
    after, learnt = weights_of(components), 0
    for name in downs:
        weight = name.replace(".lora_A.default", "").replace("text_model.", "")
        up, down = tensors[name.replace("lora_A", "lora_B")], tensors[name]
        added = (up.flatten(1) @ down.flatten(1)).reshape(before[weight].shape) * 4 / 2
        learnt += bool(added.any())
        assert torch.allclose(after[weight] - before[weight], added, atol=1e-5), name
    # The last layer of the first encoder is never read.
    assert learnt == len(downs) - 6
    said = read_header(file).metadata
    assert (said["ss_network_dim"], said["ss_network_alpha"]) == ("2", "4.0")
    assert said["modelspec.architecture"].endswith("/lora")
    assert json.loads(said["ss_tag_frequency"])["pictures"]["1girl"] == 5


def test_the_average_is_what_is_saved(train, config, tmp_path):
    (folder,) = train(ema=0.9, max_steps=4, save={"single_file": False, "precision": "fp32"}).files
    checkpoints = tmp_path / "out" / "checkpoints" / "00000004"
    averaged = load_file(checkpoints / "averaged.safetensors")
    last = load_file(checkpoints / "weights.safetensors")
    saved = weights_of(opened_folder(folder))
    for name, tensor in averaged.items():
        assert torch.equal(saved[name], tensor)
    assert any(not torch.equal(averaged[name], last[name]) for name in last)


def test_training_goes_on_in_what_was_trained(train, tmp_path):
    """A folder and a file say themselves what they predict."""
    loss = {"prediction": "v-prediction", "zero_snr": True}
    folder = train("first", loss=loss).files[1]
    said = train("second", **{"from": str(folder)}).files[0]
    header = read_header(said)
    assert prediction_of({**header.shapes, "__metadata__": header.metadata}) == (
        "v-prediction",
        True,
    )
    assert header.metadata["modelspec.prediction_type"] == "v"
