"""The data is found from a wheel, an editable install and a bare checkout."""

import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PARTS = [
    "tagkit",
    "rules",
    "models",
    "docs/schemas",
    "setup.cfg",
    "pyproject.toml",
    "cli.py",
    "README.md",
]


def check(command, cwd, **env):
    """`command lint` judges by rules, cards, names and token counts: all the data there is."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {**clean, "TAGKIT_CACHE": str(cwd / "cache"), **env}
    out = subprocess.run(
        [*map(str, command), "lint", "masterpiece, 1girl, shiroko (blue archive)"],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 1, out.stderr
    assert "ORD101" in out.stdout
    assert "TAG104" in out.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the checkout, so that building leaves nothing behind in it."""
    folder = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for part in [*PARTS, "LICENSE", "NOTICE"]:
        origin = CHECKOUT / part
        if origin.is_dir():
            shutil.copytree(origin, folder / part, ignore=ignore)
        else:
            shutil.copy2(origin, folder / part)
    return folder


def test_a_wheel_carries_the_data(source, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source],
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("*.whl"))
    target = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    assert {path.name for path in target.iterdir() if "dist-info" not in path.name} == {"tagkit"}
    assert (target / "tagkit" / "schemas" / "job-file.json").is_file()
    assert (target / "tagkit" / "rendering" / "page" / "gallery.html").is_file()
    check([sys.executable, "-m", "tagkit"], tmp_path, PYTHONPATH=str(target))


def test_an_editable_install_finds_the_data(source, tmp_path):
    environment = tmp_path / "venv"
    venv.create(environment, symlinks=os.name != "nt")
    python = next(environment.glob("bin/python")) if os.name != "nt" else None
    if python is None:
        pytest.skip("the folder layout of this platform's environments is another")
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "outer.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--editable"]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", *options, source],
        check=True,
        capture_output=True,
    )
    check([python, "-m", "tagkit"], tmp_path)
    check([environment / "bin" / "tagkit"], tmp_path)


def test_a_bare_checkout_finds_the_data(source, tmp_path):
    check([sys.executable, source / "cli.py"], tmp_path)
