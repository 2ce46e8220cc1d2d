"""Pictures for `train_upscaler.py`: flat colours, a shade, dark outlines, like celluloid anime."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from random import Random

    Colour = tuple[int, int, int]
    Point = tuple[float, float]

# Drawn larger and scaled down, so that edges are smooth.
SCALE = 4


def draw_flat_picture(random: Random, side: int) -> Image.Image:
    """A square picture of blobs, locks, discs and strokes, one over the other."""
    whole = side * SCALE
    canvas = _background(random, whole)
    draw = ImageDraw.Draw(canvas)
    for _ in range(random.randint(8, 20)):
        paint = random.choices([_blob, _lock, _eye, _stroke, _box], [4, 4, 2, 3, 1])[0]
        paint(draw, random, whole)
    return canvas.resize((side, side), Image.Resampling.BOX)


def _background(random: Random, whole: int) -> Image.Image:
    """One colour, or a gradient between two."""
    canvas = Image.new("RGB", (whole, whole), _colour(random))
    if random.random() < 0.4:
        other = Image.new("RGB", canvas.size, _colour(random))
        ramp = Image.linear_gradient("L").rotate(random.choice([0, 90, 180, 270]))
        canvas.paste(other, mask=ramp.resize(canvas.size))
    return canvas


def _blob(draw: ImageDraw.ImageDraw, random: Random, whole: int) -> None:
    """A round shape with a wavy edge, and a darker shade on one side of it."""
    centre, radius = _place(random, whole), random.uniform(0.05, 0.35) * whole
    waves, depth, phase = random.randint(2, 6), random.uniform(0, 0.3), random.uniform(0, 2 * pi)
    colour = _colour(random)

    def edge(shift: float, share: float) -> list[Point]:
        turns = [2 * pi * step / 90 for step in range(90)]
        radii = [radius * share * (1 + depth * sin(waves * turn + phase)) for turn in turns]
        return [
            (centre[0] + shift + length * cos(turn), centre[1] + shift + length * sin(turn))
            for turn, length in zip(turns, radii, strict=True)
        ]

    draw.polygon(edge(0, 1), _darker(colour))
    draw.polygon(edge(-radius * 0.08, 0.9), colour)
    _line(draw, random, [*edge(0, 1), edge(0, 1)[0]])


def _lock(draw: ImageDraw.ImageDraw, random: Random, whole: int) -> None:
    """A pointed strand, as hair is drawn."""
    start, end = _place(random, whole), _place(random, whole)
    bends = [_place(random, whole) for _ in range(2)]
    sides = [_curve(start, bend, end) for bend in bends]
    colour = _colour(random)
    draw.polygon([*sides[0], *reversed(sides[1])], colour)
    for side in sides:
        _line(draw, random, side)


def _eye(draw: ImageDraw.ImageDraw, random: Random, whole: int) -> None:
    """Discs in one another, with a light."""
    (x, y), tall = _place(random, whole), random.uniform(0.03, 0.15) * whole
    for share, colour in ((1, (255, 255, 255)), (0.8, _colour(random)), (0.4, _dark(random))):
        across, up = tall * share * 0.7, tall * share
        draw.ellipse((x - across, y - up, x + across, y + up), colour, _dark(random), SCALE)
    light = tall * 0.25
    draw.ellipse((x - light * 2, y - light * 2, x - light, y - light), (255, 255, 255))


def _stroke(draw: ImageDraw.ImageDraw, random: Random, whole: int) -> None:
    points = [_place(random, whole) for _ in range(3)]
    _line(draw, random, _curve(*points))


def _box(draw: ImageDraw.ImageDraw, random: Random, whole: int) -> None:
    """A slanted rectangle."""
    (x, y), long, turn = _place(random, whole), random.uniform(0.05, 0.3) * whole, random.random()
    turns = [(turn + quarter / 4) * 2 * pi for quarter in (0.0, 0.7, 2.0, 2.7)]
    corners = [(x + long * cos(angle), y + long * sin(angle)) for angle in turns]
    draw.polygon(corners, _colour(random))
    _line(draw, random, [*corners, corners[0]])


def _curve(start: Point, bend: Point, end: Point) -> list[Point]:
    """Bézier's, of the second degree."""

    def at(share: float, axis: int) -> float:
        back = 1 - share
        return back**2 * start[axis] + 2 * share * back * bend[axis] + share**2 * end[axis]

    return [(at(step / 40, 0), at(step / 40, 1)) for step in range(41)]


def _line(draw: ImageDraw.ImageDraw, random: Random, points: list[Point]) -> None:
    """Half a pixel to three pixels wide."""
    draw.line(points, _dark(random), random.randint(SCALE // 2, SCALE * 3), joint="curve")


def _place(random: Random, whole: int) -> Point:
    return random.uniform(-0.1, 1.1) * whole, random.uniform(-0.1, 1.1) * whole


def _colour(random: Random) -> Colour:
    return (random.randrange(256), random.randrange(256), random.randrange(256))


def _darker(colour: Colour) -> Colour:
    red, green, blue = (side * 3 // 4 for side in colour)
    return red, green, blue


def _dark(random: Random) -> Colour:
    return (random.randrange(70), random.randrange(60), random.randrange(70))
