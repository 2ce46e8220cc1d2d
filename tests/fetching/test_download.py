"""Downloads from a server that drops connections, lies and refuses."""

from __future__ import annotations

import errno
import hashlib
import shutil
import threading
from collections import namedtuple

import pytest
from web_server import Answer

pytest.importorskip("requests")

from tagkit.errors import UserError
from tagkit.fetching.addresses import Remote
from tagkit.fetching.download import download
from tagkit.fetching.hosts import Hosts
from tagkit.fetching.web import new_session

BODY = bytes(range(256)) * 12_000
DIGEST = hashlib.sha256(BODY).hexdigest()
TAG = {"ETag": '"one"'}


class Fetching:
    """`download` with what it needs, and what it did."""

    def __init__(self, folder, address):
        self.folder, self.address = folder, address
        self.waited, self.seen = [], []

    def __call__(self, path="/m.onnx", sha256=DIGEST, hosts=None):
        remote = Remote(self.address + path, "m.onnx", "detectors", sha256)
        with new_session() as session:
            return download(
                remote, self.folder, hosts or Hosts(), session,
                lambda *progress: self.seen.append(progress), self.waited.append,
            )  # fmt: skip

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def fetch(tmp_path, web):
    return Fetching(tmp_path / "models", web[1])


def ranges(server):
    return [headers.get("Range") for _, headers in server.requests]


def test_a_file_comes_whole_and_leaves_nothing_else(web, fetch):
    web[0].says("/m.onnx", Answer(BODY))
    assert fetch().read_bytes() == BODY
    assert fetch.names() == ["m.onnx"]
    assert fetch.seen[0] == (0, len(BODY))
    assert fetch.seen[-1] == (len(BODY), len(BODY))
    assert fetch.waited == []


@pytest.mark.parametrize("digest", [DIGEST, ""])
def test_a_dropped_connection_goes_on_where_it_was(web, fetch, digest):
    web[0].says(
        "/m.onnx", Answer(BODY, headers=TAG, stop_after=2_500_000), Answer(BODY, headers=TAG)
    )
    assert fetch(sha256=digest).read_bytes() == BODY
    started = int(ranges(web[0])[1].removeprefix("bytes=").removesuffix("-"))
    assert 2_000_000 < started <= 2_500_000
    assert web[0].requests[1][1]["If-Range"] == '"one"'
    assert len(fetch.waited) == 1


def test_many_drops_with_progress_are_no_reason_to_give_up(web, fetch):
    drops = Answer(BODY, headers=TAG, stop_after=1_100_000, times=9)
    small = Answer(BODY, headers=TAG, stop_after=1_100_000)
    web[0].says("/m.onnx", drops, small)
    assert fetch().read_bytes() == BODY


def test_a_server_without_ranges_starts_anew(web, fetch):
    whole = Answer(BODY, ranges=False)
    web[0].says("/m.onnx", Answer(BODY, stop_after=2_500_000), whole)
    assert fetch().read_bytes() == BODY


def test_a_file_that_has_changed_meanwhile_is_not_mixed(web, fetch):
    other = Answer(b"x" * len(BODY), headers={"ETag": '"two"'})
    web[0].says("/m.onnx", Answer(BODY, headers=TAG, stop_after=2_500_000), other)
    assert fetch(sha256="").read_bytes() == other.body


def test_without_proof_of_the_same_version_it_starts_anew(web, fetch):
    web[0].says("/m.onnx", Answer(BODY, stop_after=2_500_000), Answer(b"new"))
    assert fetch(sha256="").read_bytes() == b"new"
    assert ranges(web[0]) == [None, None]


def test_a_stopped_process_is_gone_on_with(web, fetch):
    web[0].says("/m.onnx", Answer(BODY, headers=TAG, stop_after=2_500_000, times=99))

    class StoppedError(Exception):
        pass

    def stop(seconds):
        raise StoppedError

    fetch.waited = type("Stop", (), {"append": staticmethod(stop)})
    with pytest.raises(StoppedError):
        fetch()
    assert "m.onnx" not in fetch.names()
    fetch.waited = []
    web[0].says("/m.onnx", Answer(BODY, headers=TAG))
    assert fetch().read_bytes() == BODY
    assert ranges(web[0])[-1] is not None
    assert fetch.names() == ["m.onnx"]


def test_a_part_that_is_complete_already_only_needs_its_name(web, fetch):
    fetch.folder.mkdir()
    (fetch.folder / ".m.onnx.part").write_bytes(BODY)
    (fetch.folder / ".m.onnx.part.json").write_text(
        f'{{"url": "{web[1]}/m.onnx", "version": "\\"one\\""}}'
    )
    web[0].says("/m.onnx", Answer(BODY, headers=TAG))
    assert fetch().read_bytes() == BODY
    assert ranges(web[0]) == [f"bytes={len(BODY)}-"]


@pytest.mark.parametrize("note", ['{"url": "other", "version": "one"}', "no json", None])
def test_a_part_of_something_else_is_not_used(web, fetch, note):
    fetch.folder.mkdir()
    (fetch.folder / ".m.onnx.part").write_bytes(b"something else")
    if note:
        (fetch.folder / ".m.onnx.part.json").write_text(note)
    web[0].says("/m.onnx", Answer(BODY, headers=TAG))
    assert fetch().read_bytes() == BODY
    assert ranges(web[0]) == [None]


def test_a_part_longer_than_the_file_starts_anew(web, fetch):
    fetch.folder.mkdir()
    (fetch.folder / ".m.onnx.part").write_bytes(BODY + b"more")
    (fetch.folder / ".m.onnx.part.json").write_text(
        f'{{"url": "{web[1]}/m.onnx", "version": "\\"one\\""}}'
    )
    web[0].says("/m.onnx", Answer(BODY, headers=TAG))
    assert fetch().read_bytes() == BODY


@pytest.mark.parametrize("body", [BODY[:-1] + b"?", b"", BODY + b"x"])
def test_wrong_bytes_are_thrown_away_and_both_hashes_said(web, fetch, body):
    web[0].says("/m.onnx", Answer(body))
    with pytest.raises(UserError, match=DIGEST) as caught:
        fetch()
    assert hashlib.sha256(body).hexdigest() in str(caught.value)
    assert fetch.names() == []


def test_a_length_that_is_too_long_is_a_dropped_connection(web, fetch):
    web[0].says("/m.onnx", Answer(BODY, length=len(BODY) + 10, headers=TAG))
    with pytest.raises(UserError, match="cannot fetch"):
        fetch(sha256="")
    assert "m.onnx" not in fetch.names()
    assert 4 <= len(fetch.waited) <= 6
    assert fetch.waited == sorted(fetch.waited)


def test_a_length_that_is_too_short_fails_the_check(web, fetch):
    web[0].says("/m.onnx", Answer(BODY, length=len(BODY) - 10))
    with pytest.raises(UserError, match="what came is not"):
        fetch()
    assert fetch.names() == []


def test_another_range_than_asked_for_is_refused(web, fetch):
    fetch.folder.mkdir()
    (fetch.folder / ".m.onnx.part").write_bytes(BODY[:100])
    (fetch.folder / ".m.onnx.part.json").write_text(
        f'{{"url": "{web[1]}/m.onnx", "version": "\\"one\\""}}'
    )
    odd = {**TAG, "Content-Range": "bytes 7-9/10"}
    web[0].says("/m.onnx", Answer(b"abc", status=206, headers=odd))
    with pytest.raises(UserError, match="another part"):
        fetch()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=401), "does not let you"),
        (Answer(status=403), "does not let you"),
        (Answer(status=404), "no such file"),
        (Answer(status=410), "no such file"),
        (Answer(status=418), "418"),
        (Answer(b"<html>", headers={"Content-Type": "text/html"}), "a web page"),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_refusals_are_said_once_and_at_once(web, fetch, answer, said):
    web[0].says("/m.onnx", answer)
    with pytest.raises(UserError, match=said) as caught:
        fetch("/m.onnx?token=SECRET")
    assert len(web[0].requests) == 1
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_busy_servers_are_asked_again(web, fetch, status):
    busy = Answer(status=status, headers={"Retry-After": "7"}, times=2)
    web[0].says("/m.onnx", busy, Answer(BODY))
    assert fetch().read_bytes() == BODY
    assert fetch.waited == [7, 7]


def test_a_server_that_asks_for_too_much_patience_is_quoted(web, fetch):
    web[0].says("/m.onnx", Answer(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(UserError, match="3600 seconds"):
        fetch()
    assert fetch.waited == []


def test_nobody_there_is_an_error_without_the_query(fetch):
    fetch.address = "http://127.0.0.1:9"
    with pytest.raises(UserError, match="cannot fetch") as caught:
        fetch("/m.onnx?token=SECRET")
    assert "refused" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert len(fetch.waited) == 4


def test_a_redirect_to_other_storage_loses_the_token(web, storage, fetch):
    web[0].says(
        "/m.onnx",
        Answer(
            status=302, headers={"Location": f"{storage[1]}/blob?sign=1", "Content-Length": "0"}
        ),
    )
    storage[0].says("/blob", Answer(BODY))
    fetch(hosts=Hosts(civitai=web[1], civitai_token="SECRET"))
    assert web[0].requests[0][1]["Authorization"] == "Bearer SECRET"
    assert all("Authorization" not in headers for _, headers in storage[0].requests)


def test_a_token_goes_to_its_own_host_only(web, fetch):
    web[0].says("/m.onnx", Answer(BODY))
    hosts = Hosts(hugging_face_token="SECRET", civitai_token="SECRET")
    fetch(hosts=hosts)
    assert "Authorization" not in web[0].requests[0][1]
    assert "SECRET" not in repr(hosts)


def test_the_hash_that_hugging_face_tells_is_held_against_the_file(web, storage, fetch):
    linked = {"Location": f"{storage[1]}/blob", "X-Linked-Etag": f'"{DIGEST}"'}
    web[0].says("/m.onnx", Answer(status=302, headers=linked))
    storage[0].says("/blob", Answer(BODY[:-1] + b"?"))
    with pytest.raises(UserError, match="expected was"):
        fetch(sha256="")
    storage[0].says("/blob", Answer(BODY))
    assert fetch(sha256="").read_bytes() == BODY


def test_a_full_disk_is_said_before_anything_comes(web, fetch, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1_000_000))
    web[0].says("/m.onnx", Answer(BODY))
    with pytest.raises(UserError, match="disk is full") as caught:
        fetch()
    assert "m.onnx" in str(caught.value)
    assert fetch.seen == []


def test_a_disk_that_fills_up_keeps_the_part(web, fetch):
    web[0].says("/m.onnx", Answer(BODY, headers=TAG))

    class Full(list):
        def append(self, progress):
            if progress[0]:
                raise OSError(errno.ENOSPC, "No space left on device")

    fetch.seen = Full()
    with pytest.raises(UserError, match="disk is full"):
        fetch()
    assert ".m.onnx.part" in fetch.names()
    fetch.seen = []
    assert fetch().read_bytes() == BODY
    assert ranges(web[0])[1] is not None


def test_a_folder_that_cannot_be_written(web, fetch, tmp_path):
    web[0].says("/m.onnx", Answer(BODY))
    (tmp_path / "file").write_text("")
    fetch.folder = tmp_path / "file" / "models"
    with pytest.raises(UserError, match="cannot write"):
        fetch()


def test_two_at_once_do_not_write_one_part(web, fetch):
    web[0].says("/m.onnx", Answer(BODY))
    begun, go_on = threading.Event(), threading.Event()

    class Slow(list):
        def append(self, progress):
            begun.set()
            go_on.wait(20)

    slow = Fetching(fetch.folder, fetch.address)
    slow.seen = Slow()
    thread = threading.Thread(target=slow)
    thread.start()
    try:
        assert begun.wait(20)
        with pytest.raises(UserError, match="another process"):
            fetch()
    finally:
        go_on.set()
        thread.join()
    assert (fetch.folder / "m.onnx").read_bytes() == BODY


def test_a_proxy_of_the_environment_is_asked(web, fetch, monkeypatch):
    monkeypatch.setenv("http_proxy", web[1])
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    web[0].says("http://models.example/m.onnx", Answer(BODY))
    fetch.address = "http://models.example"
    assert fetch().read_bytes() == BODY
