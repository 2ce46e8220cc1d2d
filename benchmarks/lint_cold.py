"""`tagkit lint` of one file in a cold process, next to `yamllint` on a file of the same size.

    python benchmarks/lint_cold.py [RUNS]

It is timed a second time with a tag list of the user's own of 200,000 names, named in tagkit.yaml.
All run in turn, so that whatever else the machine does falls on all alike. Byte code is written
first, as an installed package has it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROMPT = "1girl, solo, long hair, blue eyes, smile, school uniform, outdoors, best quality\n"
NAMES = 200_000  # of the tag list that `lexicon` names
NEGATIVE = "Negative prompt: lowres, error, worst quality, halo, heterochromia, focus\n"


def main() -> None:
    """Times all and prints medians, minima and their ratios."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with tempfile.TemporaryDirectory() as folder:
        commands = prepared(Path(folder))
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                times[name].append(seconds(command))
    for name, values in times.items():
        middle, least = statistics.median(values) * 1000, min(values) * 1000
        print(f"{name:14} median {middle:6.1f} ms   least {least:6.1f} ms")
    ratio = statistics.median(times["tagkit lint"]) / statistics.median(times["yamllint"])
    least = min(times["tagkit lint"]) / min(times["yamllint"])
    print(f"tagkit lint / yamllint: median {ratio:.2f}, least {least:.2f}")


def prepared(folder: Path) -> dict[str, list[str]]:
    """All files, and one run of each command to write byte code and caches."""
    prompt, yaml, own = folder / "prompt.txt", folder / "list.yaml", folder / "own" / "prompt.txt"
    own.parent.mkdir()
    for path in (prompt, own):
        path.write_text(PROMPT + NEGATIVE)
    names = (f'some name {number},0,{NAMES - number},"alias {number}"\n' for number in range(NAMES))
    (own.parent / "names.csv").write_text("".join(names))
    (own.parent / "tagkit.yaml").write_text("lexicon: names.csv\n")
    text = "---\ntags:\n  - 1girl\n"
    while len(text) < len(PROMPT + NEGATIVE):
        text += "  - long hair\n"
    yaml.write_text(text)
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "tagkit lint": [sys.executable, "-m", "tagkit", "lint", str(prompt), "--exit-zero"],
        "own tag list": [sys.executable, "-m", "tagkit", "lint", str(own), "--exit-zero"],
        "yamllint": [sys.executable, "-m", "yamllint", str(yaml)],
    }
    for command in commands.values():
        seconds(command)
    return commands


def seconds(command: list[str]) -> float:
    """Wall time of a process, its start included."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


main()
