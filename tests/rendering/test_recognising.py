from __future__ import annotations

import pytest

from tagkit.errors import UserError
from tagkit.rendering.headers import read_header
from tagkit.rendering.recognising import (
    require_checkpoint,
    require_lora,
    require_vae,
)

from safetensors_bytes import safetensors  # isort: skip

UNET = {"model__diffusion_model__input_blocks__0__0__weight": (1,)}
VAE = {"first_stage_model__decoder__conv_in__weight": (8, 4, 1, 1)}
FIRST = {"conditioner__embedders__0__transformer__x": (1,)}
SDXL = {**UNET, **VAE, **FIRST, "conditioner__embedders__1__model__x": (1,)}
TO_K = "transformer_blocks_0_attn2_to_k__lora_down__weight"


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "it.safetensors"
        path.write_bytes(content if isinstance(content, bytes) else safetensors(**content))
        return path

    return write


def test_shapes_and_metadata(written):
    header = read_header(written(safetensors({"a": "b"}, x__y=(2, 3))))
    assert header.shapes == {"x.y": (2, 3)}
    assert header.metadata == {"a": "b"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no safetensors"),
        (b"hello, world, hello", "no safetensors"),
        (safetensors(x=(2, 3))[:-5], "5 bytes are missing"),
        (safetensors(x=(2, 3))[:20], "no safetensors"),
    ],
)
def test_a_damaged_file(written, content, words):
    with pytest.raises(UserError, match=words):
        read_header(written(content))


def test_an_sdxl_checkpoint(written):
    assert set(require_checkpoint(written(SDXL)).shapes) == {k.replace("__", ".") for k in SDXL}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({**UNET, **VAE, "cond_stage_model__transformer__x": (1,)}, "a Stable Diffusion 1.5 model"),
        ({**UNET, **VAE, "cond_stage_model__model__x": (1,)}, "a Stable Diffusion 2 model"),
        ({**UNET, **VAE, **FIRST}, "an SDXL refiner"),
        ({"model__diffusion_model__joint_blocks__0__x": (1,)}, "a Stable Diffusion 3 model"),
        ({"model__diffusion_model__double_blocks__0__x": (1,)}, "a Flux model"),
        (UNET, "a UNet alone"),
        (VAE, "a VAE alone"),
        ({"clip_l": (1, 2), "clip_g": (1, 2)}, "a textual inversion"),
        ({"lora_unet_x__lora_up__weight": (1, 2)}, "a LoRA"),
        ({"x": (1,)}, "some other kind"),
        ({key: SDXL[key] for key in SDXL if key not in VAE}, "lacks its VAE"),
    ],
)
def test_what_is_no_checkpoint_is_named(written, content, words):
    with pytest.raises(UserError, match=words):
        require_checkpoint(written(content))


@pytest.mark.parametrize(
    "content",
    [
        {f"lora_unet_input_blocks_4_1_{TO_K}": (4, 2048)},
        {f"lora_unet_input_blocks_4_1_{TO_K}": (4, 64)},
        {"lora_te1_text_model_x__diff": (4, 64)},
        {"lora_unet_x__w_norm": (4,)},
        {"unet__x__lora_A__weight": (4, 4)},
    ],
)
def test_a_lora(written, content):
    require_lora(written(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({f"lora_unet_down_blocks_1_attentions_0_{TO_K}": (4, 768)}, "Stable Diffusion 1.5"),
        ({f"lora_unet_down_blocks_1_attentions_0_{TO_K}": (4, 1024)}, "Stable Diffusion 2"),
        ({"lora_te_text_model_x__lora_up__weight": (4, 4)}, "Stable Diffusion 1.5"),
        ({"lora_unet_double_blocks_0_x__lora_up__weight": (4, 4)}, "Flux"),
        ({"lora_unet_joint_blocks_0_x__lora_up__weight": (4, 4)}, "Stable Diffusion 3"),
        (SDXL, "no LoRA but an SDXL model"),
    ],
)
def test_a_lora_of_another_family_is_named(written, content, words):
    path = written(content)
    with pytest.raises(UserError, match=words):
        require_lora(path)


def test_a_vae(written):
    require_vae(written(VAE))
    require_vae(written({"decoder__conv_in__weight": (8, 4, 3, 3)}))
    with pytest.raises(UserError) as caught:
        require_vae(written({"decoder__conv_in__weight": (8, 16, 3, 3)}))
    assert "16 channels" in caught.value.where
    with pytest.raises(UserError, match="no VAE but a UNet alone"):
        require_vae(written(UNET))
