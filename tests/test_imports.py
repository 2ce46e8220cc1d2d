"""What a command imports: the start of the command line cannot rot unseen."""

import os
import subprocess
import sys

import pytest

# msgspec takes typing_extensions where it is installed; marisa_trie is a Cython module.
ALLOWED = {"tagkit", "click", "msgspec", "marisa_trie", "typing_extensions", "cython_runtime"}


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
    names = {name for name in out.stdout.split() if not name.startswith("_")}
    return names - sys.stdlib_module_names


@pytest.fixture
def prompt(tmp_path):
    (tmp_path / "p.txt").write_text("1girl, solo, 1girl\n", encoding="utf-8")
    return tmp_path


def test_a_cold_lint_imports_next_to_nothing(prompt):
    imported_by("lint", "p.txt", cwd=prompt)  # fills the cache of rules and cards
    assert imported_by("lint", "p.txt", cwd=prompt) <= ALLOWED


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["tokens", "1girl"],
        ["rules"],
        ["render", "--help"],
        ["train", "--help"],
        ["expand", "--help"],
    ],
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
