"""One file over HTTP: goes on where it was stopped, is checked, and appears whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from tagkit.data import cache_folder
from tagkit.errors import UserError
from tagkit.fetching.web import TryAgainError, asked, without_query
from tagkit.infotext.hashes import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from tagkit.fetching.addresses import Remote
    from tagkit.fetching.hosts import Hosts

    # Bytes so far, and of the whole file if the server says so.
    Watch = Callable[[int, int | None], None]

_BLOCK = 1 << 16
# Tries without any progress, and the longest that a server may ask to wait, in seconds.
_MOST_TRIES = 5
_LONGEST_WAIT = 120
_DIGITS_OF_SHA256 = 64


class _Note(msgspec.Struct, frozen=True):
    """What stands beside a part: where it is from, and what the server calls this version of it.

    url: without its query, which may hold a token, or a signature that is new each time.
    """

    url: str
    version: str


class Part:
    """A file that is not complete, beside the place where it will be."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.json")

    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def version(self, url: str) -> str | None:
        """What the server called the version of it; None for a part of something else."""
        with suppress(OSError, msgspec.MsgspecError):
            note = msgspec.json.decode(self._note.read_bytes(), type=_Note)
            return note.version if note.url == without_query(url) else None
        return None

    def begin(self, url: str, version: str) -> None:
        """Starts anew."""
        self.path.unlink(missing_ok=True)
        self._note.write_bytes(msgspec.json.encode(_Note(without_query(url), version)))

    def drop(self) -> None:
        """Away with it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def become(self, target: Path) -> None:
        """The part is the file."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


def download(
    remote: Remote,
    folder: Path,
    hosts: Hosts,
    session: requests.Session,
    watch: Watch,
    wait: Callable[[float], None],
) -> Path:
    """Fetches the file into the folder and returns its path; `wait` sleeps so many seconds.

    Dropped connections and busy servers are tried again; what has come is kept, and a later call
    goes on from there. Raises UserError.
    """
    target = folder / remote.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            part = Part(target)
            stated = _patiently(remote, part, hosts, session, watch, wait)
            _check(part, remote.sha256 or stated, remote)
            part.become(target)
    except OSError as error:
        raise _of_disk(error, target) from error
    return target


def _patiently(
    remote: Remote,
    part: Part,
    hosts: Hosts,
    session: requests.Session,
    watch: Watch,
    wait: Callable[[float], None],
) -> str:
    """Transfers until nothing is missing; returns the SHA-256 that the server states, or ""."""
    tries, furthest = 0, part.size()
    while True:
        try:
            return _transfer(remote, part, hosts, session, watch)
        except TryAgainError as error:
            tries = 1 if part.size() > furthest else tries + 1
            furthest = max(furthest, part.size())
            if tries >= _MOST_TRIES or error.seconds > _LONGEST_WAIT:
                hint = "the same command goes on from here"
                if error.seconds:
                    hint = f"it asks to wait {error.seconds:.0f} seconds; {hint}"
                raise UserError(f"cannot fetch `{remote.name}`", str(error), hint) from error
            wait(max(error.seconds, 2.0 ** (tries - 1)))


def _transfer(
    remote: Remote, part: Part, hosts: Hosts, session: requests.Session, watch: Watch
) -> str:
    """One request, from where the part ends if the file is still the same."""
    start, version = part.size(), part.version(remote.url)
    if version is None or not (version or remote.sha256):
        start = 0
    headers = {}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version:
            headers["If-Range"] = version
    with asked(remote.url, hosts, session, headers) as response:
        if response.status_code == 416:
            if response.headers.get("Content-Range", "") != f"bytes */{start}":
                part.drop()
                raise TryAgainError("the file has changed meanwhile")
            return _stated(response)
        if "text/html" in response.headers.get("Content-Type", ""):
            hint = f"set {name}" if (name := hosts.token_name(remote.url)) else ""
            raise UserError("a web page came instead of a file", without_query(response.url), hint)
        start = _goes_on_at(response, start)
        if not start:
            part.begin(remote.url, _version(response))
        size = _size(response, start)
        _need_room(part.path.parent, size, start)
        _append(response, part, start, size, watch)
        return _stated(response)


def _append(
    response: requests.Response, part: Part, start: int, size: int | None, watch: Watch
) -> None:
    done = start
    watch(done, size)
    with part.path.open("ab") as file:
        for block in response.iter_content(_BLOCK):
            file.write(block)
            done += len(block)
            watch(done, size)
        file.flush()
        os.fsync(file.fileno())
    if size is not None and done < size:
        raise TryAgainError(f"the connection ended after {done} of {size} bytes")


def _goes_on_at(response: requests.Response, start: int) -> int:
    """Where the answer begins in the file: `start`, or 0 if the server sends all of it."""
    if response.status_code != 206:
        return 0
    if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise UserError("the server sends another part of the file than it was asked for")
    return start


def _size(response: requests.Response, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _version(response: requests.Response) -> str:
    """What proves that a later answer is of the same file; weak tags do not."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _stated(response: requests.Response) -> str:
    """The SHA-256 of the file, which Hugging Face tells before it sends one on to its storage."""
    tags = (each.headers.get("X-Linked-Etag", "") for each in (*response.history, response))
    bare = (tag.strip('"').lower() for tag in tags)
    return next((tag for tag in bare if len(tag) == _DIGITS_OF_SHA256), "")


def _check(part: Part, expected: str, remote: Remote) -> None:
    if not expected:
        return
    found = sha256(part.path)
    if found != expected.lower():
        part.drop()
        raise UserError(
            f"what came is not `{remote.name}`",
            f"its SHA-256 is {found}\nexpected was {expected.lower()}",
            "fetch it again; if it stays so, the file at its address has been replaced",
        )


def _need_room(folder: Path, size: int | None, start: int) -> None:
    if size and size - start > (free := shutil.disk_usage(folder).free):
        raise OSError(errno.ENOSPC, f"{_gigabytes(size - start)} to come, {_gigabytes(free)} free")


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Two processes that write one part would spoil it."""
    name = hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:20]
    lock = FileLock(cache_folder() / "locks" / name)
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout as error:
        raise UserError(f"another process is fetching `{target.name}`", str(target)) from error


def _of_disk(error: OSError, target: Path) -> UserError:
    if error.errno == errno.ENOSPC:
        hint = "make room; the same command goes on from here"
        return UserError(f"the disk is full: `{target}`", error.strerror or "", hint)
    return UserError(f"cannot write `{target}`", error.strerror or str(error))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
