"""Entry point: `tagkit`, `python -m tagkit` and `python cli.py`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line `argv` (default: the process's own) and exits with its status."""
    from tagkit.commands import run

    sys.exit(run(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
