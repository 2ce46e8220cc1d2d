from __future__ import annotations

import pytest
from web_server import serving

pytest.importorskip("requests")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No cache, no folder of downloads, no token and no proxy of this machine takes part."""
    monkeypatch.setenv("TAGKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TAGKIT_DATA", str(tmp_path / "data"))
    for name in ("HF_TOKEN", "HF_ENDPOINT", "CIVITAI_TOKEN", "CIVITAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def web():
    """A server and its address."""
    with serving() as found:
        yield found


@pytest.fixture
def storage():
    """A second server, on another port: another host."""
    with serving() as found:
        yield found
