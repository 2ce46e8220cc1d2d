"""A hub of models on this machine, so that fetching is tested with the real client."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(NamedTuple):
    """address: for HF_ENDPOINT. asked: paths of all requests so far."""

    address: str
    asked: list[str]


@contextmanager
def hub_of(models: dict[str, Path]) -> Iterator[Hub]:
    """Serves folders under the ids of models, each with the one commit COMMIT."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

        def _answer(self, *, with_body: bool) -> None:
            asked.append(self.path)
            body = _body(models, self.path.partition("?")[0])
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("ETag", f'"{hashlib.sha1(body or b"").hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if with_body:
                self.wfile.write(body or b"")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Hub(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _body(models: dict[str, Path], path: str) -> bytes | None:
    """The answer to a request for a model's revision, its tree, or one of its files."""
    for model, folder in models.items():
        files = {file.name: file for file in sorted(folder.iterdir())}
        for revision in ("main", COMMIT):
            if path == f"/api/models/{model}/revision/{revision}":
                siblings = [{"rfilename": name} for name in files]
                return json.dumps({"id": model, "sha": COMMIT, "siblings": siblings}).encode()
            if path == f"/api/models/{model}/tree/{revision}":
                return json.dumps([_entry(file) for file in files.values()]).encode()
        name = path.removeprefix(f"/{model}/resolve/{COMMIT}/")
        if name in files:
            return files[name].read_bytes()
    return None


def _entry(file: Path) -> dict[str, object]:
    data = file.read_bytes()
    digest = hashlib.sha1(data).hexdigest()
    return {"type": "file", "path": file.name, "size": len(data), "oid": digest}
