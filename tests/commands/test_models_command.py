"""`tagkit models`: list, show, pull, verify, new."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from pathlib import Path

import pytest

from tagkit.cards import image_card

pytest.importorskip("requests")

sys.path.insert(0, str(Path(__file__).parents[1] / "fetching"))
try:
    from web_server import Answer, serving
finally:
    sys.path.pop(0)

BODY = b"weights" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def web():
    with serving() as found:
        yield found


@pytest.fixture
def models(run, tmp_path):
    """`tagkit models ARGS...` in a folder of its own."""

    def call(*args, **env):
        return run(
            "models", *args, cwd=tmp_path, TAGKIT_DATA=str(tmp_path / "data"), NO_PROXY="127.0.0.1",
            **env,
        )  # fmt: skip

    return call


def card_file(folder, name="mine", **more):
    """A detector card of the user's own."""
    folder.mkdir(exist_ok=True)
    card = {"card": "detector", "name": name, "title": "my detector", **more}
    (folder / f"{name}.yaml").write_text(json.dumps(card), encoding="utf-8")
    (folder.parent / "tagkit.yaml").write_text("cards: [cards]\n", encoding="utf-8")


def safetensors(path, metadata=None, **tensors):
    header = {"__metadata__": metadata or {}}
    for name in tensors or {"x": 1}:
        header[name] = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0")
    return path


def test_every_kind_of_card_is_listed_and_shown(models, tmp_path):
    card_file(tmp_path / "cards")
    lines = models("list").stdout.splitlines()
    listed = {tuple(line.split()[:2]) for line in lines}
    assert {
        ("baxl-v3", "image"), ("tiny", "tag"), ("dat-x2", "upscaler"), ("anime-face", "detector"),
        ("mine", "detector"),
    } <= listed  # fmt: skip
    assert models().stdout.splitlines() == lines
    assert "AGPL" in models("show", "anime-face").stdout
    assert "my detector" in models("show", "mine").stdout
    out = models("show", "anime-fce")
    assert out.returncode == 2
    assert "did you mean `anime-face`" in out.stderr


def test_pull_by_card_goes_to_the_data_folder_and_comes_once(models, tmp_path, web):
    files = [{"name": "m.onnx", "sha256": DIGEST, "url": f"{web[1]}/some/model.onnx"}]
    card_file(tmp_path / "cards", files=files)
    web[0].says("/some/model.onnx", Answer(BODY))
    out = models("pull", "mine")
    path = tmp_path / "data" / "detectors" / "m.onnx"
    assert (out.returncode, out.stdout.strip()) == (0, str(path))
    assert path.read_bytes() == BODY
    assert "m.onnx: 100 %" in out.stderr
    again = models("pull", "mine")
    assert (again.returncode, again.stdout) == (0, "")
    assert "everything is here" in again.stderr
    assert len(web[0].requests) == 1


def test_pull_goes_to_the_folder_of_tagkit_yaml(models, tmp_path, web):
    (tmp_path / "tagkit.yaml").write_text("loras: [nets, more]\n", encoding="utf-8")
    web[0].says("/a.safetensors", Answer(BODY))
    url = f"{web[1]}/a.safetensors"
    out = models("pull", url, "--kind", "loras", "--sha256", DIGEST.upper())
    assert out.returncode == 0
    assert (tmp_path / "nets" / "a.safetensors").read_bytes() == BODY
    assert models("pull", url, "--kind", "loras", "--sha256", DIGEST).returncode == 0
    refused = models("pull", url, "--kind", "loras")
    assert refused.returncode == 2
    assert "already" in refused.stderr
    assert (tmp_path / "nets" / "a.safetensors").read_bytes() == BODY


def test_one_that_fails_does_not_stop_the_others(models, tmp_path, web):
    web[0].says("/a.onnx", Answer(BODY))
    out = models("pull", f"{web[1]}/missing.onnx", f"{web[1]}/a.onnx", "nobody")
    assert out.returncode == 2
    assert out.stdout.strip().endswith("a.onnx")
    assert "no such file" in out.stderr
    assert "there is no card `nobody`" in out.stderr
    assert "Traceback" not in out.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["tiny-face"], "everything is here"),
        (["kohaku-zeta"], "has no address"),
        (["http://127.0.0.1:9/x.ckpt", "--kind", "checkpoints"], "pickle"),
        (["a/b/c.onnx", "d/e/f.onnx", "--sha256", "00"], "of one file"),
    ],
)
def test_pull_says_what_it_cannot_do(models, args, said):
    assert said in models("pull", *args).stderr


def test_the_files_that_come_with_tagkit_are_those_of_their_cards(models):
    out = models("verify")
    assert out.returncode == 0
    assert "right       tiny-face" in out.stdout


def test_verify_hashes_what_is_here(models, tmp_path):
    files = [{"name": "m.onnx", "sha256": DIGEST}]
    card_file(tmp_path / "cards", files=files)
    out = models("verify", "mine")
    assert (out.returncode, out.stdout.split()[0]) == (0, "missing")
    folder = tmp_path / "data" / "detectors"
    folder.mkdir(parents=True)
    (folder / "m.onnx").write_bytes(BODY)
    out = models("verify")
    assert (out.returncode, "right       mine" in out.stdout) == (0, True)
    (folder / "m.onnx").write_bytes(BODY + b"!")
    out = models("verify")
    assert out.returncode == 1
    assert "wrong       mine" in out.stdout
    assert hashlib.sha256(BODY + b"!").hexdigest() in out.stdout
    assert models("verify", "nobody").returncode == 2


def test_a_new_card_says_what_its_file_says(models, tmp_path):
    (tmp_path / "tagkit.yaml").write_text("cards: [cards]\ncheckpoints: [.]\n", encoding="utf-8")
    metadata = {
        "modelspec.title": "My: Merge", "modelspec.author": "me", "modelspec.license": "CC0",
        "modelspec.description": "two\nlines", "modelspec.prediction_type": "v",
    }  # fmt: skip
    file = safetensors(tmp_path / "merge.safetensors", metadata)
    out = models("new", "my-merge", "--extends", "baxl-v3", "--checkpoint", file)
    assert out.returncode == 0, out.stderr
    card = image_card("my-merge", [tmp_path / "cards"])
    assert (card.title, card.summary, card.licence.name) == ("My: Merge", "two\nlines", "CC0")
    assert card.sampling.prediction == "v-prediction"
    assert card.sampling.cfg == image_card("baxl-v3").sampling.cfg
    assert card.prompt == image_card("baxl-v3").prompt
    assert card.aliases == ()
    assert card.files[0].sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert "right       my-merge" in models("verify", "my-merge").stdout
    assert "my-merge" in models("list").stdout


def test_a_card_for_a_file_that_says_nothing(models, tmp_path):
    (tmp_path / "face.onnx").write_bytes(BODY)
    args = ["new", "face", "--extends", "anime-face", "--checkpoint", tmp_path / "face.onnx"]
    out = models(*args, "--output", tmp_path / "own")
    assert out.returncode == 0
    text = (tmp_path / "own" / "face.yaml").read_text(encoding="utf-8")
    assert "card: detector" in text
    assert DIGEST in text
    again = models(*args, "--output", tmp_path / "own")
    assert (again.returncode, "already" in again.stderr) == (2, True)


def test_a_card_that_extends_the_toy_model_has_weights_of_its_own(models, tmp_path):
    file = safetensors(tmp_path / "m.safetensors", v_pred=1)
    args = ["--extends", "tiny", "--checkpoint", file, "-o", tmp_path / "own"]
    assert models("new", "mine", *args).returncode == 0
    card = image_card("mine", [tmp_path / "own"])
    assert card.weights.random_seed is None
    assert card.sampling.prediction == "v-prediction"


@pytest.mark.parametrize(
    ("name", "extends", "said"),
    [
        ("../up", "baxl-v3", "no name for a card"),
        ("Big", "baxl-v3", "no name for a card"),
        ("ok", "baxl", "did you mean"),
    ],
)
def test_a_card_that_cannot_be_made(models, tmp_path, name, extends, said):
    file = safetensors(tmp_path / "m.safetensors")
    out = models("new", name, "--extends", extends, "--checkpoint", file, "-o", tmp_path / "own")
    assert out.returncode == 2
    assert said in out.stderr


def test_a_card_needs_a_folder_and_a_sound_file(models, tmp_path):
    file = tmp_path / "m.safetensors"
    file.write_bytes(b"none")
    args = ("new", "mine", "--extends", "baxl-v3", "--checkpoint", file)
    assert "no folder of cards" in models(*args).stderr
    assert "no safetensors file" in models(*args, "-o", tmp_path / "own").stderr
