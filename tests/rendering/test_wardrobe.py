from __future__ import annotations

import re

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.components import load_components  # noqa: E402
from tagkit.rendering.fitting import outline, require_fit  # noqa: E402
from tagkit.rendering.job import Lora  # noqa: E402
from tagkit.rendering.module_names import modules_by_name, stability_name  # noqa: E402
from tagkit.rendering.networks import change  # noqa: E402
from tagkit.rendering.wardrobe import Wardrobe  # noqa: E402

import ldm_checkpoint  # noqa: E402  isort: skip
import network_samples as samples  # noqa: E402  isort: skip

TE1 = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
TE2 = "lora_te2_text_model_encoder_layers_1_mlp_fc1"
UNET = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"


@pytest.fixture(scope="module")
def model(tiny_weights):
    """A model of this module's own, whose weights change."""
    return load_components(tiny_weights)


@pytest.fixture
def wearing(model, tmp_path):
    """Wears files given as (path, weight, text weight)."""
    files: dict[str, object] = {}
    wardrobe = Wardrobe(model, files)

    def wear(*loras):
        files.update({str(path): path for path, *_ in loras})
        wardrobe.wear([Lora(path.stem, *weights, digest=str(path)) for path, *weights in loras])
        return wardrobe

    yield wear
    wardrobe.wear([])


def state(model):
    return {
        f"{part}.{name}": weight.detach().clone()
        for part, network in model._asdict().items()
        for name, weight in network.named_parameters()
    }


@pytest.mark.parametrize("place", [samples.LINEAR, samples.CONV])
def test_every_kind_of_network(model, place):
    weight = model.unet.get_submodule(place).weight.detach().float()
    for kind, written, expected in samples.kinds(weight):
        tensors = {name.removesuffix(".weight"): each for name, each in written.items()}
        found = change(tensors, weight)
        assert torch.allclose(weight + found.weight, expected, atol=1e-5), kind


def test_convolutions_with_a_core():
    for written, expected in samples.tucker():
        tensors = {name.removesuffix(".weight"): each for name, each in written.items()}
        found = change(tensors, torch.zeros(16, 32, 3, 3))
        assert torch.allclose(found.weight, expected, atol=1e-5)


def test_strengths_of_unet_and_text_encoders_are_apart(model, wearing, tmp_path):
    before = state(model)
    unet, first, second = (
        samples.plain(48, 48, 1),
        samples.plain(24, 24, 2),
        samples.plain(80, 40, 3),
    )
    wearing(
        (
            samples.write(tmp_path / "a.safetensors", (UNET, unet), (TE1, first), (TE2, second)),
            0.5,
            -2.0,
        )
    )
    changed = {
        name for name, weight in state(model).items() if not torch.equal(weight, before[name])
    }
    names = {
        f"unet.{samples.LINEAR}.weight": (0.5, unet),
        "text_encoder.encoder.layers.0.self_attn.q_proj.weight": (-2.0, first),
        "text_encoder_2.text_model.encoder.layers.1.mlp.fc1.weight": (-2.0, second),
    }
    assert changed == names.keys()
    for name, (strength, tensors) in names.items():
        product = tensors["lora_up.weight"] @ tensors["lora_down.weight"]
        expected = (before[name].float() + strength * product).to(before[name].dtype)
        assert torch.equal(state(model)[name], expected)


def test_several_add_up_and_come_off(model, wearing, tmp_path):
    before = state(model)
    one = samples.write(tmp_path / "a.safetensors", (UNET, samples.plain(48, 48, 1)))
    other = samples.write(tmp_path / "b.safetensors", (UNET, samples.plain(48, 48, 5)))
    alone = []
    for worn in ([(one, 1.0)], [(other, 0.5)], [(one, 1.0), (other, 0.5)]):
        wearing(*worn)
        alone.append(state(model)[f"unet.{samples.LINEAR}.weight"].float())
    plain = before[f"unet.{samples.LINEAR}.weight"].float()
    assert torch.allclose(alone[2] - plain, alone[0] + alone[1] - 2 * plain, atol=0.01)
    wearing()
    assert all(torch.equal(weight, before[name]) for name, weight in state(model).items())


def test_nothing_is_left_after_a_hundred_changes(model, wearing, tmp_path):
    before = state(model)
    paths = [
        samples.write(
            tmp_path / f"{seed}.safetensors",
            (UNET, samples.plain(48, 48, seed)),
            (TE1, samples.plain(24, 24, seed)),
        )
        for seed in range(3)
    ]
    for turn in range(100):
        wearing((paths[turn % 3], 0.1 * (turn + 1)), (paths[(turn + 1) % 3], -0.7))
    wardrobe = wearing()
    assert all(torch.equal(weight, before[name]) for name, weight in state(model).items())
    assert len(wardrobe._kept) == 2


def test_the_text_encoders_state_is_told_apart(wearing, tmp_path):
    unet = samples.write(tmp_path / "a.safetensors", (UNET, samples.plain(48, 48)))
    text = samples.write(tmp_path / "b.safetensors", (TE1, samples.plain(24, 24)))
    assert wearing((unet, 1.0)).text_state == ()
    one = wearing((text, 1.0, 0.5)).text_state
    assert one != wearing((text, 1.0, 0.6)).text_state
    assert one == wearing((text, 0.3, 0.5)).text_state


def test_names_are_those_of_the_single_file(components):
    """Against the other way of writing a checkpoint, which the tests carry."""
    config = components.unet.config
    attention = [kind.startswith("CrossAttn") for kind in config.up_block_types]
    expected = {
        re.sub(r"\.(weight|bias)$", "", name) for name in ldm_checkpoint._unet(components.unet)
    }
    modules = [name for name, each in components.unet.named_modules() if hasattr(each, "weight")]
    found = {stability_name(name, config.layers_per_block, attention) for name in modules}
    assert found == expected
    assert len(found) == len(modules)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (UNET, samples.LINEAR),
        ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q", samples.LINEAR),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q", samples.LINEAR),
        ("lora_unet_input_blocks_3_0_in_layers_2", samples.CONV),
        ("lora_unet_input_blocks_2_0_op", "down_blocks.0.downsamplers.0.conv"),
    ],
)
def test_modules_are_found_by_every_name(components, name, place):
    found = modules_by_name(components)[name.replace(".", "_")]
    assert found.module is components.unet.get_submodule(place)


@pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning"
)
def test_a_plain_lora_is_what_diffusers_fuses(model, wearing, tmp_path, tiny_weights):
    pytest.importorskip("peft")
    modules = [
        (
            "unet." + samples.LINEAR,
            {"lora_B.weight": samples.random(48, 2), "lora_A.weight": samples.random(2, 48)},
        ),
        (
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj",
            {"lora_B.weight": samples.random(24, 2), "lora_A.weight": samples.random(2, 24)},
        ),
    ]
    path = samples.write(tmp_path / "peft.safetensors", *modules)
    wearing((path, 0.8, 0.8))
    other = load_components(tiny_weights)
    pipeline = diffusers.StableDiffusionXLPipeline(
        other.vae, other.text_encoder.float(), other.text_encoder_2, None, None, other.unet.float(),
        diffusers.EulerDiscreteScheduler(), add_watermarker=False,
    )  # fmt: skip
    pipeline.load_lora_weights(str(path))
    pipeline.fuse_lora(lora_scale=0.8)
    pipeline.unload_lora_weights()
    for one, theirs in ((model.unet, other.unet), (model.text_encoder, other.text_encoder)):
        expected = theirs.state_dict()
        for name, weight in one.state_dict().items():
            assert torch.allclose(weight.float(), expected[name].float(), atol=2e-3), name


def test_settings_of_peft_state_alpha(model, wearing, tmp_path):
    import json

    from safetensors.torch import save_file

    up, down = samples.random(48, 4), samples.random(4, 48)
    names = {
        f"unet.{samples.LINEAR}.lora_B.weight": up,
        f"unet.{samples.LINEAR}.lora_A.weight": down,
    }
    settings = {"unet.r": 4, "unet.lora_alpha": 8, "unet.use_rslora": True}
    path = tmp_path / "a.safetensors"
    save_file(names, path, metadata={"lora_adapter_metadata": json.dumps(settings)})
    before = model.unet.get_submodule(samples.LINEAR).weight.detach().clone().float()
    wearing((path, 1.0))
    found = model.unet.get_submodule(samples.LINEAR).weight.detach().float()
    assert torch.allclose(found, before + 8 / 4**0.5 * up @ down, atol=5e-3)


MISFITS = pytest.mark.parametrize(
    ("module", "tensors", "words"),
    [
        ("lora_unet_nowhere", samples.plain(48, 48), "nowhere"),
        (UNET, samples.plain(48, 64), "does not fit"),
        (UNET, {"lora_down.weight": samples.random(2, 48)}, "does not fit"),
        (UNET, {"oft_blocks": samples.random(2, 48)}, "oft_blocks"),
        (UNET, {"diff_b": samples.random(48)}, "no bias"),
        (TE1, {"diff_b": samples.random(48)}, "does not fit"),
    ],
)


@MISFITS
def test_a_file_that_does_not_fit_is_told_by_its_header(
    tiny_weights, tmp_path, module, tensors, words
):
    """Its numbers are zeros and the model's are not loaded: names and shapes say it."""
    places = modules_by_name(outline(tiny_weights))
    good = (TE1, samples.plain(24, 24))
    path = samples.write(tmp_path / "bad.safetensors", good, (module, tensors))
    with pytest.raises(UserError) as caught:
        require_fit(path, places)
    assert "bad.safetensors" in caught.value.what
    assert words in caught.value.what + caught.value.where


@pytest.mark.parametrize("place", [samples.LINEAR, samples.CONV])
def test_every_kind_of_network_fits_by_its_header(model, tiny_weights, tmp_path, place):
    places = modules_by_name(outline(tiny_weights))
    weight = model.unet.get_submodule(place).weight.detach().float()
    for kind, written, _ in samples.kinds(weight):
        path = samples.write(tmp_path / f"{kind}.safetensors", (f"unet.{place}", written))
        require_fit(path, places)


def test_an_outline_has_every_module_of_the_model(components, tiny_weights):
    found, expected = modules_by_name(outline(tiny_weights)), modules_by_name(components)
    assert found.keys() == expected.keys()
    for name, place in found.items():
        assert place.module.weight.shape == expected[name].module.weight.shape
        assert place.module.weight.is_meta


@MISFITS
def test_a_file_that_does_not_fit_leaves_the_model_bare(
    model, wearing, tmp_path, module, tensors, words
):
    before = state(model)
    good = (TE1, samples.plain(24, 24))
    path = samples.write(tmp_path / "bad.safetensors", good, (module, tensors))
    with pytest.raises(UserError) as caught:
        wearing((path, 1.0))
    assert "bad.safetensors" in caught.value.what
    assert words in caught.value.what + caught.value.where
    assert all(torch.equal(weight, before[name]) for name, weight in state(model).items())
