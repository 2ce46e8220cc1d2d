"""Answers of web servers: asked for, judged, and put into words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests

from tagkit._version import __version__
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tagkit.fetching.hosts import Hosts

T = TypeVar("T")
# Seconds to connect, and between two pieces of an answer.
_PATIENCE = (15, 60)
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_LOGIN = (401, 403)


class TryAgainError(Exception):
    """It failed in a way that may pass. seconds: how long the server asks to wait."""

    def __init__(self, reason: str, seconds: float = 0) -> None:
        super().__init__(reason)
        self.seconds = seconds


def new_session() -> requests.Session:
    """A session that says who asks; proxies come from the environment, as everywhere."""
    session = requests.Session()
    session.headers["User-Agent"] = f"tagkit/{__version__}"
    # Bytes as they lie on the server: lengths and ranges count those.
    session.headers["Accept-Encoding"] = "identity"
    return session


@contextmanager
def asked(
    url: str, hosts: Hosts, session: requests.Session, headers: Mapping[str, str] | None = None
) -> Iterator[requests.Response]:
    """The answer, its body unread. Raises UserError for a refusal, TryAgainError if that may pass.

    416 (no such range) is for the caller. A redirect to another host loses the token.
    """
    sent = {**hosts.headers(url), **(headers or {})}
    try:
        with session.get(url, headers=sent, stream=True, timeout=_PATIENCE) as response:
            _judge(response, url, hosts)
            yield response
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise UserError(f"`{without_query(url)}` is no address", _cause(error)) from error
    except requests.RequestException as error:
        raise TryAgainError(_cause(error)) from error


def read_json(url: str, type_: type[T], hosts: Hosts, session: requests.Session) -> T:
    """A small JSON answer as a value. Raises UserError."""
    try:
        with asked(url, hosts, session) as response:
            return msgspec.json.decode(response.content, type=type_)
    except TryAgainError as error:
        raise UserError(f"cannot reach {_host(url)}", str(error)) from error
    except msgspec.MsgspecError as error:
        raise UserError(f"{_host(url)} answers in a form that is not known", str(error)) from error


def _judge(response: requests.Response, url: str, hosts: Hosts) -> None:
    status = response.status_code
    if status in _BUSY:
        wait = response.headers.get("Retry-After", "")
        seconds = float(wait) if wait.isdigit() else 0.0
        raise TryAgainError(f"{_host(url)} answers {status} {response.reason}", seconds)
    if status in _LOGIN:
        name = hosts.token_name(url)
        hint = f"set {name} to your token, and accept the model's terms on its page" if name else ""
        raise UserError(
            f"{_host(url)} does not let you have it ({status})", without_query(url), hint
        )
    if status in (404, 410):
        raise UserError(f"{_host(url)} has no such file ({status})", without_query(url))
    if status >= 400 and status != 416:
        raise UserError(f"{_host(url)} answers {status} {response.reason}", without_query(url))


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def without_query(url: str) -> str:
    """The URL without what may hold a token or a signature."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _cause(error: BaseException) -> str:
    """What is at the bottom of it; the errors above repeat URLs with all that they hold."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
