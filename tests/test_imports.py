"""What a command imports: the start of the command line cannot rot unseen."""

import os
import subprocess
import sys

import pytest

ALLOWED = {"tagkit", "click", "msgspec", "marisa_trie"}


def imported_by(*argv, cwd):
    """Top-level modules from outside the standard library that a command imports."""
    code = (
        "import sys, io\n"
        "from tagkit.__main__ import main\n"
        "sys.stdout = io.StringIO()\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.__stdout__)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, *argv],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "TAGKIT_CACHE": str(cwd / "cache")},
        check=True,
    )
    names = {name.lstrip("_") for name in out.stdout.split()}
    plain = {name.lstrip("_") for name in sys.stdlib_module_names}
    return {name for name in names - plain if not name.startswith(("sysconfigdata", "distutils"))}


@pytest.fixture
def prompt(tmp_path):
    (tmp_path / "p.txt").write_text("1girl, solo, 1girl\n", encoding="utf-8")
    return tmp_path


def test_a_cold_lint_imports_next_to_nothing(prompt):
    imported_by("lint", "p.txt", cwd=prompt)  # fills the cache of rules and cards
    site = {"a1_coverage", "pywin32_bootstrap", "mypyc"}
    found = imported_by("lint", "p.txt", cwd=prompt)
    assert {name for name in found if not name.startswith("distutils")} - site <= ALLOWED


@pytest.mark.parametrize(
    "argv",
    [["--help"], ["tokens", "1girl"], ["rules"], ["render", "--help"], ["expand", "--help"]],
)
def test_nothing_heavy_is_imported_unasked(prompt, argv):
    heavy = {"torch", "transformers", "diffusers", "numpy", "PIL", "rich", "ray", "spandrel"}
    assert not imported_by(*argv, cwd=prompt) & heavy


def test_importing_tagkit_imports_nothing_else():
    code = "import sys, tagkit; print(*{n.split('.')[0] for n in sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "tokenizers", "click", "msgspec", "yaml"} & set(out.stdout.split())


def test_the_public_names_exist():
    import tagkit

    for name in tagkit.__all__:
        assert getattr(tagkit, name)
    with pytest.raises(AttributeError):
        _ = tagkit.nonsense
