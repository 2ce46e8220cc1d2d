"""Backgrounds of `bust_drawing.py`: plain colours, and a dozen flat strokes for a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bust_world import PLAIN
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Colour = tuple[int, int, int]


def draw_background(canvas: Image.Image, name: str, random: Random) -> None:
    """Fills the canvas with a plain colour of `PLAIN` or a scene of `SCENES`."""
    if name in PLAIN:
        canvas.paste(PLAIN[name], (0, 0, *canvas.size))
    else:
        _SCENES[name](_Scene(canvas, random))


class _Scene:
    """Draws in shares of the canvas."""

    def __init__(self, canvas: Image.Image, random: Random) -> None:
        self.random = random
        self._canvas = canvas
        self._draw = ImageDraw.Draw(canvas)

    def ramp(self, top: Colour, bottom: Colour) -> None:
        self._canvas.paste(bottom, (0, 0, *self._canvas.size))
        mask = Image.linear_gradient("L").rotate(180).resize(self._canvas.size)
        self._canvas.paste(top, (0, 0, *self._canvas.size), mask)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        self._draw.rectangle(self._corners(left, top, right, bottom), fill)

    def disc(self, x: float, y: float, across: float, fill: Colour, up: float = 0) -> None:
        """`across` and `up` are radii in shares of the shorter side."""
        wide, tall = self._canvas.size
        unit = min(wide, tall)
        rx, ry = across * unit, (up or across) * unit
        self._draw.ellipse((x * wide - rx, y * tall - ry, x * wide + rx, y * tall + ry), fill)

    def polygon(self, points: list[tuple[float, float]], fill: Colour) -> None:
        wide, tall = self._canvas.size
        self._draw.polygon([(x * wide, y * tall) for x, y in points], fill)

    def _corners(self, *sides: float) -> tuple[float, ...]:
        wide, tall = self._canvas.size
        return tuple(side * (tall if place % 2 else wide) for place, side in enumerate(sides))


def _sky(scene: _Scene) -> None:
    scene.ramp((66, 146, 236), (170, 218, 250))
    for _ in range(scene.random.randint(3, 5)):
        _cloud(scene, scene.random.uniform(0, 1), scene.random.uniform(0.08, 0.85))


def _cloud(scene: _Scene, x: float, y: float) -> None:
    size = scene.random.uniform(0.07, 0.12)
    for shift, rise, share in ((-1.1, 0.25, 0.7), (0, 0, 1), (1.1, 0.2, 0.8)):
        scene.disc(x + shift * size, y + rise * size, size * share, (250, 252, 255))
    scene.disc(x, y + size * 0.65, size * 2, (250, 252, 255), size * 0.45)


def _night(scene: _Scene) -> None:
    scene.ramp((18, 22, 60), (58, 62, 130))
    for _ in range(45):
        size = scene.random.choice([0.006, 0.008, 0.014])
        scene.disc(scene.random.random(), scene.random.random(), size, (250, 246, 210))
    if scene.random.random() < 0.6:
        scene.disc(scene.random.choice([0.15, 0.85]), 0.16, 0.09, (250, 240, 190))


def _beach(scene: _Scene) -> None:
    scene.ramp((110, 190, 246), (196, 232, 250))
    scene.box(0, 0.45, 1, 0.8, (46, 132, 200))
    scene.box(0, 0.68, 1, 0.76, (90, 190, 220))
    scene.box(0, 0.76, 1, 1, (244, 222, 170))
    _cloud(scene, scene.random.uniform(0, 1), scene.random.uniform(0.1, 0.3))


def _forest(scene: _Scene) -> None:
    scene.ramp((150, 206, 150), (70, 130, 80))
    for place in range(7):
        x = place / 6 + scene.random.uniform(-0.05, 0.05)
        scene.box(x - 0.03, 0.3, x + 0.03, 1, (96, 70, 52))
    for _ in range(16):
        green = scene.random.choice([(46, 112, 62), (64, 140, 76), (36, 92, 56)])
        scene.disc(scene.random.random(), scene.random.uniform(-0.05, 0.4), 0.15, green)
    scene.box(0, 0.88, 1, 1, (84, 130, 66))


def _city(scene: _Scene) -> None:
    scene.ramp((170, 204, 232), (226, 234, 240))
    x = -0.05
    while x < 1:
        wide, top = scene.random.uniform(0.12, 0.2), scene.random.uniform(0.12, 0.55)
        grey = scene.random.choice([(112, 122, 146), (138, 146, 166), (92, 102, 128)])
        scene.box(x, top, x + wide, 1, grey)
        for row in range(int((1 - top) / 0.09)):
            for column in (0.2, 0.6):
                left, high = x + wide * column, top + 0.04 + row * 0.09
                scene.box(left, high, left + wide * 0.22, high + 0.04, (240, 232, 170))
        x += wide + 0.01


def _sunset(scene: _Scene) -> None:
    scene.ramp((238, 108, 66), (254, 208, 120))
    x = scene.random.choice([0.14, 0.86])
    scene.disc(x, 0.55, 0.14, (255, 244, 190))
    scene.polygon(
        [(0, 0.8), (0.3, 0.66), (0.6, 0.8), (0.85, 0.7), (1, 0.78), (1, 1), (0, 1)], (120, 58, 78)
    )


def _room(scene: _Scene) -> None:
    scene.ramp((240, 226, 204), (222, 200, 172))
    left = scene.random.choice([0.04, 0.56])
    scene.box(left - 0.02, 0.1, left + 0.42, 0.68, (150, 112, 84))
    scene.box(left, 0.13, left + 0.19, 0.65, (170, 216, 244))
    scene.box(left + 0.21, 0.13, left + 0.4, 0.65, (170, 216, 244))
    for side in (left - 0.03, left + 0.35):
        scene.box(side, 0.06, side + 0.08, 0.74, (232, 130, 120))
    scene.box(0, 0.85, 1, 1, (166, 122, 90))


def _blossoms(scene: _Scene) -> None:
    scene.ramp((190, 222, 248), (236, 240, 250))
    scene.polygon(
        [(0, 0.75), (0, 0.5), (0.5, 0.16), (1, 0.05), (1, 0.1), (0.5, 0.24)], (110, 76, 70)
    )
    for _ in range(26):
        pink = scene.random.choice([(250, 190, 212), (246, 166, 196), (254, 214, 228)])
        scene.disc(scene.random.random(), scene.random.uniform(-0.02, 0.42), 0.085, pink)
    for _ in range(22):
        scene.disc(
            scene.random.random(), scene.random.uniform(0.3, 1), 0.02, (250, 180, 206), 0.012
        )


def _snow(scene: _Scene) -> None:
    scene.ramp((150, 170, 200), (206, 218, 234))
    for place in range(5):
        x = place / 4 + scene.random.uniform(-0.06, 0.06)
        scene.polygon([(x, 0.3), (x + 0.12, 0.8), (x - 0.12, 0.8)], (104, 136, 146))
        scene.polygon([(x, 0.3), (x + 0.05, 0.5), (x - 0.05, 0.5)], (246, 250, 255))
    scene.box(0, 0.78, 1, 1, (246, 250, 255))
    for _ in range(40):
        scene.disc(scene.random.random(), scene.random.random(), 0.014, (255, 255, 255))


def _field(scene: _Scene) -> None:
    scene.ramp((130, 200, 246), (214, 240, 250))
    scene.box(0, 0.5, 1, 1, (122, 190, 96))
    for _ in range(60):
        bloom = scene.random.choice(
            [(252, 230, 90), (250, 140, 170), (250, 250, 250), (240, 110, 90)]
        )
        y = scene.random.uniform(0.53, 1)
        scene.disc(scene.random.random(), y, 0.012 + 0.02 * (y - 0.5), bloom)


_SCENES: dict[str, Callable[[_Scene], None]] = {
    "sky": _sky, "night": _night, "beach": _beach, "forest": _forest, "city": _city,
    "sunset": _sunset, "room": _room, "blossoms": _blossoms, "snow": _snow, "field": _field,
}  # fmt: skip
