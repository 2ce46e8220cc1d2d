"""`tagkit init`: a settings file that is read back, with the folders of an installation."""

import pytest

from tagkit.settings import SEARCHED, find_settings, read_settings


@pytest.fixture
def a1111(tmp_path):
    root = tmp_path / "stable diffusion"
    for name in ("models/Stable-diffusion", "models/Lora", "models/ESRGAN", "models/DAT"):
        (root / name).mkdir(parents=True)
    (root / "embeddings").mkdir()
    (root / "styles.csv").write_text("name,prompt,negative_prompt\n", encoding="utf-8")
    return root


@pytest.fixture
def comfyui(tmp_path):
    root = tmp_path / "ComfyUI"
    for name in ("models/checkpoints", "models/loras", "models/vae"):
        (root / name).mkdir(parents=True)
    return root


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "prompts"
    folder.mkdir()
    return folder


def test_without_an_installation_every_line_is_a_comment(run, here):
    assert run("init", cwd=here).returncode == 0
    text = (here / "tagkit.yaml").read_text(encoding="utf-8")
    assert all(line.startswith("#") for line in text.splitlines() if line)
    assert read_settings(here / "tagkit.yaml").checkpoints == ()


def test_every_example_in_it_is_valid(run, here):
    run("init", cwd=here)
    path = here / "tagkit.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [line.removeprefix("#") for line in lines if not line.startswith("# ")]
    path.write_text("\n".join(said), encoding="utf-8")
    assert read_settings(path).model == "baxl-v3"
    assert run("lint", "1girl, 1girl", cwd=here).stderr.startswith("model: baxl-v3 (")


def test_a_folder_named_from_here_is_written_in_full(run, here, a1111):
    run("init", "--a1111", f"../{a1111.name}", cwd=here)
    assert read_settings(here / "tagkit.yaml").checkpoints == (a1111 / "models/Stable-diffusion",)
    assert ".." not in (here / "tagkit.yaml").read_text(encoding="utf-8")


def test_the_folders_of_a1111(run, here, a1111):
    out = run("init", "--a1111", a1111, cwd=here)
    assert out.returncode == 0, out.stderr
    found = find_settings(here)
    assert found.checkpoints == (a1111 / "models/Stable-diffusion",)
    assert found.upscalers == (a1111 / "models/ESRGAN", a1111 / "models/DAT")
    assert found.styles == (a1111 / "styles.csv",)
    assert found.vaes == ()
    assert found.dialect == "a1111"
    assert str(a1111 / "embeddings") in out.stdout


def test_the_folders_of_comfyui_and_its_extra_paths(run, here, comfyui, a1111):
    (comfyui / "extra_model_paths.yaml").write_text(
        "a111:\n"
        f"  base_path: '{a1111}'\n"
        "  is_default: true\n"
        "  checkpoints: models/Stable-diffusion\n"
        "  loras: |\n    models/Lora\n    models/LyCORIS\n"
        "  clip: models/clip\n"
        "empty:\n"
        "mine:\n"
        "  upscale_models: ../ups\n",
        encoding="utf-8",
    )
    (comfyui.parent / "ups").mkdir()
    out = run("init", "--comfyui", comfyui, cwd=here)
    assert out.returncode == 0, out.stderr
    found = find_settings(here)
    assert found.checkpoints == (comfyui / "models/checkpoints", a1111 / "models/Stable-diffusion")
    assert found.loras == (comfyui / "models/loras", a1111 / "models/Lora")
    assert [path.resolve() for path in found.upscalers] == [comfyui.parent / "ups"]
    assert found.dialect == "comfyui"


def test_both_installations(run, here, comfyui, a1111):
    run("init", "--comfyui", comfyui, "--a1111", a1111, cwd=here)
    found = find_settings(here)
    assert found.loras == (a1111 / "models/Lora", comfyui / "models/loras")
    assert found.dialect == "a1111"


def test_a_file_that_is_there_is_never_overwritten(run, here):
    (here / "tagkit.yaml").write_text("model: tiny\n", encoding="utf-8")
    out = run("init", cwd=here)
    assert out.returncode == 2
    assert "there already" in out.stderr
    assert (here / "tagkit.yaml").read_text(encoding="utf-8") == "model: tiny\n"


@pytest.mark.parametrize("option", ["--a1111", "--comfyui"])
@pytest.mark.parametrize(("name", "said"), [("nowhere", "there is no folder"), (".", "holds no")])
def test_a_folder_that_is_no_installation(run, here, option, name, said):
    out = run("init", option, name, cwd=here)
    assert out.returncode == 2
    assert said in out.stderr
    assert not (here / "tagkit.yaml").exists()


def test_broken_extra_paths_are_named(run, here, comfyui):
    (comfyui / "extra_model_paths.yaml").write_text("a: [\n", encoding="utf-8")
    out = run("init", "--comfyui", comfyui, cwd=here)
    assert out.returncode == 2
    assert "extra_model_paths.yaml" in out.stderr
    assert not (here / "tagkit.yaml").exists()


def test_every_folder_key_is_read(tmp_path):
    lines = "".join(f"{key}: [a, /b]\n" for key in SEARCHED)
    (tmp_path / "tagkit.yaml").write_text(lines, encoding="utf-8")
    found = read_settings(tmp_path / "tagkit.yaml")
    for key in SEARCHED:
        assert [path.name for path in getattr(found, key)] == ["a", "b"]
        assert getattr(found, key)[0] == tmp_path / "a"
