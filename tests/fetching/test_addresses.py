from __future__ import annotations

import json

import pytest
from web_server import Answer

pytest.importorskip("requests")

from tagkit.errors import UserError
from tagkit.fetching.addresses import Remote, located, of_card
from tagkit.fetching.hosts import Hosts, hosts_of
from tagkit.fetching.web import new_session

HUB = "https://huggingface.co"


@pytest.fixture
def session():
    with new_session() as session:
        yield session


@pytest.mark.parametrize(
    ("text", "kind", "remote"),
    [
        (
            "https://example.org/a/b/face.onnx?x=1",
            None,
            Remote("https://example.org/a/b/face.onnx?x=1", "face.onnx", "detectors"),
        ),
        (
            "http://example.org/my%20lora.safetensors",
            "loras",
            Remote("http://example.org/my%20lora.safetensors", "my lora.safetensors", "loras"),
        ),
        (
            "o/r/deep/model.onnx",
            None,
            Remote(f"{HUB}/o/r/resolve/main/deep/model.onnx", "model.onnx", "detectors"),
        ),
        (
            "o/r/x.safetensors@refs/pr/1",
            "vaes",
            Remote(f"{HUB}/o/r/resolve/refs/pr/1/x.safetensors", "x.safetensors", "vaes"),
        ),
        (
            "o/r/x4.pth",
            "upscalers",
            Remote(f"{HUB}/o/r/resolve/main/x4.pth", "x4.pth", "upscalers"),
        ),
        ("o/r/e.pt", "embeddings", Remote(f"{HUB}/o/r/resolve/main/e.pt", "e.pt", "embeddings")),
    ],
)
def test_urls_and_ids(session, text, kind, remote):
    assert located(text, kind, "", Hosts(), session) == remote


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("ftp://example.org/a.onnx", None, "no address"),
        ("file:///etc/passwd", None, "no address"),
        ("https://example.org/download", None, "names no file"),
        ("https://example.org/a.safetensors", None, "--kind"),
        ("https://example.org/a.ckpt", "checkpoints", "pickle"),
        ("https://example.org/a.pt", "detectors", "pickle"),
        ("https://example.org/a.pth", "loras", "pickle"),
        ("a b/c", None, "no Hugging Face id"),
        ("https://civitai.com/models/5/name", None, "says no version"),
    ],
)
def test_what_cannot_be_fetched_says_why(session, text, kind, said):
    with pytest.raises(UserError, match=said):
        located(text, kind, "", Hosts(), session)


def test_a_mirror_stands_for_its_host(session):
    hosts = hosts_of({"HF_ENDPOINT": "https://mirror.example/", "HF_TOKEN": " t "})
    url = f"{HUB}/o/r/resolve/main/x.onnx"
    found = of_card(url, "mine.onnx", "detectors", "ab", hosts, session)
    assert found == Remote(
        "https://mirror.example/o/r/resolve/main/x.onnx", "mine.onnx", "detectors", "ab"
    )
    assert located("o/r/x.onnx", None, "", hosts, session).url == found.url
    assert hosts.headers(found.url) == {"Authorization": "Bearer t"}
    assert hosts.headers(url) == {}
    assert hosts.headers("http://mirror.example/o/r") == {}
    assert hosts.headers("https://mirror.example.evil.org/o/r") == {}


def test_the_only_model_file_of_a_repository(session, web):
    files = ["README.md", "model.onnx", "config.json"]
    path = "/api/models/o/r/revision/main"
    web[0].says(path, Answer(json.dumps({"siblings": [{"rfilename": f} for f in files]}).encode()))
    hosts = Hosts(hugging_face=web[1])
    assert located("o/r", None, "", hosts, session).url == f"{web[1]}/o/r/resolve/main/model.onnx"


def test_of_several_model_files_one_is_to_be_named(session, web):
    files = [{"rfilename": name} for name in ("a.safetensors", "b.safetensors")]
    web[0].says("/api/models/o/r/revision/main", Answer(json.dumps({"siblings": files}).encode()))
    with pytest.raises(UserError, match="2 model files") as caught:
        located("o/r", None, "", Hosts(hugging_face=web[1]), session)
    assert "b.safetensors" in str(caught.value)


VERSION = {
    "id": 7,
    "model": {"name": "Some LoRA", "type": "LORA", "nsfw": False},
    "files": [
        {"name": "training.zip", "downloadUrl": "https://civitai.com/x", "type": "Training Data"},
        {
            "name": "../some.safetensors",
            "primary": True,
            "downloadUrl": "https://civitai.com/api/download/models/7?type=Model",
            "hashes": {"SHA256": "ABCD", "AutoV2": "AB"},
        },
    ],
}


@pytest.mark.parametrize("path", ["/models/5/some-lora?modelVersionId=7", "/api/download/models/7"])
def test_a_civitai_version_knows_name_kind_and_hash(session, web, path):
    web[0].says("/api/v1/model-versions/7", Answer(json.dumps(VERSION).encode()))
    hosts = Hosts(civitai=web[1], civitai_token="SECRET")
    remote = located(f"https://civitai.com{path}", None, "", hosts, session)
    url = f"{web[1]}/api/download/models/7?type=Model"
    assert remote == Remote(url, "some.safetensors", "loras", "abcd")
    assert web[0].requests[0][1]["Authorization"] == "Bearer SECRET"
    assert located(f"{web[1]}{path}", "vaes", "ff", hosts, session).sha256 == "ff"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"<html>"), "form that is not known"),
        (Answer(b'{"files": []}'), "no file of version"),
        (Answer(status=404), "no such file"),
        (Answer(status=503), "cannot reach"),
        (Answer(status=401), "CIVITAI_TOKEN"),
    ],
    ids=["html", "empty", "404", "503", "401"],
)
def test_civitai_may_answer_anything(session, web, answer, said):
    web[0].says("/api/v1/model-versions/7", answer)
    hosts = Hosts(civitai=web[1])
    with pytest.raises(UserError, match=said):
        located(f"{web[1]}/api/download/models/7", None, "", hosts, session)


@pytest.mark.parametrize("name", ["/etc/x.onnx", "..\\x.onnx", "../../x.onnx", "...x.onnx"])
def test_a_name_never_leads_out_of_the_folder(session, name):
    url = "https://example.org/x.onnx"
    found = of_card(url, name, "detectors", "", Hosts(), session)
    assert found.name == "x.onnx"
