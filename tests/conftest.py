"""What all tests share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# As `tagkit.extras.need` has it, before a test imports torch itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A list that the developer has imported must not change what is known.
os.environ["TAGKIT_DATA"] = str(Path(__file__).parent / "no-such-folder")

# Speed is no subject of the tests, and shared machines are slow. CI tries the same examples each
# time, so that a change is judged by what it changes; everywhere else new ones are tried.
settings.register_profile("tagkit", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tagkit")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of tag lists and real prompts that a project machine may have."""
    root = os.environ.get("TAGKIT_SHARED")
    if not root:
        pytest.skip("TAGKIT_SHARED is not set")
    return Path(root) / "data"


@pytest.fixture(scope="session")
def real_prompts(shared_data: Path) -> list[str]:
    lines = (shared_data / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `tagkit ARGS...` in a process of its own."""

    def run_tagkit(
        *args: object, stdin: str | None = None, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tagkit", *map(str, args)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            encoding="utf-8",
            cwd=cwd,
            env={**os.environ, **env},
            check=False,
            timeout=600,
        )

    return run_tagkit


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that stands for the user's cache while the tests that ask for it run."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("TAGKIT_CACHE", str(folder))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once somebody has imported the package `kernels`."""
    asked = tmp_path / "asked"
    (tmp_path / "kernels.py").write_text(
        f"from pathlib import Path\nPath({str(asked)!r}).touch()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    return asked
