from __future__ import annotations

import json
import shutil

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

import msgspec  # noqa: E402
import numpy as np  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.components import load_components, load_vae  # noqa: E402
from tagkit.rendering.pipeline import Pipeline  # noqa: E402
from tagkit.rendering.residence import Residence  # noqa: E402
from tagkit.rendering.vae import Vae  # noqa: E402

import ldm_checkpoint  # noqa: E402  isort: skip

CPU = torch.device("cpu")
LATENT = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def another(components):
    """A VAE of the tiny model's form with other weights."""
    vae = diffusers.AutoencoderKL.from_config(components.vae.config)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in vae.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.05)
    return vae.eval()


@pytest.fixture(scope="module")
def written(another, tmp_path_factory):
    """It, in every form in which VAEs go round."""
    folder = tmp_path_factory.mktemp("vaes")
    ldm = {name: each.contiguous() for name, each in ldm_checkpoint._vae(another).items()}
    save_file(ldm, folder / "ldm.safetensors")
    prefixed = {f"first_stage_model.{name}": each for name, each in ldm.items()}
    save_file(prefixed, folder / "prefixed.safetensors")
    save_file(another.state_dict(), folder / "diffusers.safetensors")
    another.save_pretrained(folder / "folder")
    (folder / "folder" / "diffusion_pytorch_model.safetensors").rename(
        folder / "folder" / "it.safetensors"
    )
    return folder


@pytest.mark.parametrize("name", ["ldm", "prefixed", "diffusers", "folder/it"])
def test_a_vae_in_every_form(components, another, written, name):
    found = load_vae(written / f"{name}.safetensors", components.vae).state_dict()
    assert all(torch.equal(found[key], each) for key, each in another.state_dict().items())


def test_a_job_is_drawn_with_its_vae_and_the_next_with_its_own(
    components, written, another, make_job
):
    files = {"abc": written / "ldm.safetensors"}
    pipeline = Pipeline(components, "epsilon", CPU, torch.float32, files=files)
    plain = pipeline.picture(LATENT)
    pipeline.wear(make_job(vae="it", vae_digest="abc"))
    other = pipeline.picture(LATENT)
    assert np.array_equal(
        other, Vae(another, Residence(CPU, None), torch.float32, None).decoded(LATENT)
    )
    assert not np.array_equal(plain, other)
    pipeline.wear(make_job())
    assert np.array_equal(pipeline.picture(LATENT), plain)


def test_a_vae_of_another_size(components, tmp_path):
    save_file({"decoder.conv_in.weight": torch.zeros(8, 4, 3, 3)}, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"a\.safetensors"):
        load_vae(tmp_path / "a.safetensors", components.vae)


@pytest.fixture(scope="module")
def tiny_vae():
    return diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1), num_decoder_blocks=(1, 1, 1, 1), latent_channels=4,
    ).eval()  # fmt: skip


def test_a_tiny_autoencoder_in_a_folder(tiny_weights, tiny_vae, components, tmp_path):
    shutil.copytree(tiny_weights.path, tmp_path / "model")
    shutil.rmtree(tmp_path / "model" / "vae")
    tiny_vae.save_pretrained(tmp_path / "model" / "vae")
    folder = msgspec.structs.replace(tiny_weights, kind="folder", path=tmp_path / "model")
    vae = load_components(folder).vae
    assert json.loads((tmp_path / "model/vae/config.json").read_text())["scaling_factor"] == 1.0
    on_device = Vae(vae, Residence(CPU, None), torch.float32, None)
    with torch.inference_mode():
        picture = on_device.decoded(LATENT)
        latent = on_device.encoded(picture)
        pixels = torch.tensor(picture).permute(2, 0, 1)[None] / 127.5 - 1
        expected = vae.encode(pixels).latents[0]
    assert picture.shape == (64, 64, 3)
    assert torch.allclose(latent, expected, atol=1e-5)
