"""Compile the curated tables into `rules/tags.marisa`, which opens without reading them.

    python scripts/build_tags.py

Run it whenever a table of `rules/tags/` or `rules/tables/aliases.tsv` has changed; a test fails
until then.
"""

from __future__ import annotations

from pathlib import Path

from tagkit.data import write_atomically
from tagkit.lexicon.tables import compile_tables

RULES = Path(__file__).resolve().parents[1] / "rules"


def main() -> None:
    """Write the list beside the tables."""
    content = compile_tables(RULES)
    write_atomically(RULES / "tags.marisa", content)
    print(f"{len(content):,} bytes")


if __name__ == "__main__":
    main()
