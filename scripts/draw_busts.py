"""Draw training pictures with captions: `python scripts/draw_busts.py FOLDER [--count N]`.

Each is a PNG with a .txt of the same name beside it, as `tagkit train` reads them. Picture n is the
same whatever else is drawn, so a folder can be filled in parts; `--size 128x128` leaves the others
of the first N out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

from bust_drawing import Picture, draw_bust
from bust_world import Bust, any_bust, tags_of

# Width, height and share of the pictures.
SIZES = {(128, 128): 60, (192, 192): 26, (128, 192): 10, (192, 128): 4}


def size_of(number: int, seed: int) -> tuple[int, int]:
    """Width and height of picture `number`."""
    return _size(_random(number, seed))


def drawn(number: int, seed: int) -> tuple[Picture, str]:
    """Picture `number` and its caption."""
    random = _random(number, seed)
    size = _size(random)
    bust = any_bust(random)
    return draw_bust(bust, size, random), _caption(bust, Random(f"caption {seed} {number}"))


def _random(number: int, seed: int) -> Random:
    return Random(f"{seed} {number}")


def _size(random: Random) -> tuple[int, int]:
    [size] = random.choices(list(SIZES), list(SIZES.values()))
    return size


def _caption(bust: Bust, random: Random) -> str:
    """Every fifth says little, as short prompts do."""
    tags = tags_of(bust, random)
    if random.random() < 0.2:
        tags = [tag for tag in tags if random.random() < 0.4] or tags[:1]
    return ", ".join(tags)


def main() -> None:
    """Draws what the folder has not got yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", choices=[f"{width}x{height}" for width, height in SIZES])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.first, options.first + options.count):
        path = options.folder / f"{number:06d}.png"
        is_wanted = options.size in (None, "x".join(map(str, size_of(number, options.seed))))
        if is_wanted and not path.exists():
            picture, caption = drawn(number, options.seed)
            path.with_suffix(".txt").write_text(f"{caption}\n", encoding="utf-8")
            picture.image.save(path)


if __name__ == "__main__":
    main()
