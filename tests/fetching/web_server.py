"""A web server on this machine that can misbehave."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answer(msgspec.Struct, frozen=True):
    """What a path answers.

    stop_after: bytes of the body after which the connection ends. length: what is said to be its
    length. ranges: whether parts can be asked for. times: how often it is given before the next
    answer of that path.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = {}
    stop_after: int | None = None
    length: int | None = None
    ranges: bool = True
    times: int | None = None


class Server:
    """Answers by path, and keeps the requests that came: path and headers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._answers: dict[str, list[Answer]] = {}
        self._left: dict[str, int] = {}

    def says(self, path: str, *answers: Answer) -> None:
        """The last answer stays."""
        self._answers[path] = list(answers)

    def next_answer(self, path: str) -> Answer:
        answers = self._answers.get(path, [Answer(status=404)])
        left = self._left.get(path, answers[0].times or 1)
        self._left[path] = left - 1
        if left > 1 or len(answers) == 1:
            return answers[0]
        del self._left[path]
        return answers.pop(0)


@contextmanager
def serving() -> Iterator[tuple[Server, str]]:
    """A running server and its address."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = self.path.split("?")[0]
            server.requests.append((self.path, dict(self.headers)))
            answer = server.next_answer(path)
            start, status, headers = 0, answer.status, dict(answer.headers)
            asked = self.headers.get("Range")
            unchanged = self.headers.get("If-Range", headers.get("ETag")) == headers.get("ETag")
            if asked and answer.ranges and status == 200 and unchanged:
                start, status = int(asked[6:-1]), 206
                headers["Content-Range"] = (
                    f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}"
                )
                if start >= len(answer.body):
                    start, status = len(answer.body), 416
                    headers["Content-Range"] = f"bytes */{len(answer.body)}"
            body = answer.body[start:]
            self.send_response(status)
            length = len(body) if answer.length is None else answer.length
            for name, value in {"Content-Length": str(length), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: answer.stop_after])
            if answer.stop_after is not None or length > len(body):
                self.close_connection = True

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
