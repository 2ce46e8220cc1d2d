"""Draws a `Bust` as flat celluloid: one colour and one shade a surface, dark outlines."""

from __future__ import annotations

import io
from math import cos, pi, radians, sin
from typing import TYPE_CHECKING, NamedTuple

from bust_scenes import draw_background
from bust_world import EYES, HAIR, THEMES, any_bust
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

if TYPE_CHECKING:
    from random import Random

    from bust_world import Bust, Girl

    Colour = tuple[int, int, int]
    Point = tuple[float, float]
    Points = list[Point]

# Drawn larger and scaled down, so that edges are smooth.
SCALE = 3
SKIN, SKIN_SHADE = (255, 230, 214), (244, 192, 176)
MOUTH, BLUSH = (190, 76, 84), (252, 166, 160)
NAVY, RED, WHITE = (52, 66, 112), (206, 60, 66), (250, 250, 252)
HALOS = [(90, 220, 255), (255, 130, 190), (255, 226, 90), (170, 140, 255), (130, 240, 170)]
KNITS = [(232, 120, 110), (240, 190, 100), (120, 170, 220), (150, 190, 140), (236, 226, 206)]
KIMONOS = [(196, 70, 96), (70, 96, 170), (230, 150, 170), (90, 140, 110)]
FRAMES = [(40, 36, 46), (150, 40, 48), (60, 70, 140)]


class Picture(NamedTuple):
    """faces: left, top, right, bottom in pixels."""

    image: Image.Image
    faces: list[tuple[float, float, float, float]]


def draw_bust(bust: Bust, size: tuple[int, int], random: Random) -> Picture:
    """The picture, `size` pixels wide and high; `random` decides what the words leave open."""
    canvas = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE))
    draw_background(canvas, bust.background, random)
    pens = [_placed(canvas, place, len(bust.girls), random) for place in range(len(bust.girls))]
    for girl, pen in zip(bust.girls, pens, strict=True):
        _Figure(pen, girl, random).draw()
    image = canvas.resize(size, Image.Resampling.BOX)
    if bust.theme:
        image = _themed(image, bust.theme)
    if bust.poor:
        image = _spoiled(image, random)
    return Picture(image, [pen.face() for pen in pens])


def draw_any(random: Random, longest: int) -> Picture:
    """Any picture of one or two girls, upright, square or wide; longest: its longer side."""
    other = int(longest * random.choice([1, 1, 0.75, 0.66])) // 8 * 8
    size = random.choice([(longest, other), (other, longest)])
    return draw_bust(any_bust(random, random.choice([1, 1, 1, 2])), size, random)


def _themed(image: Image.Image, theme: str) -> Image.Image:
    """All colours drawn towards one."""
    middle = THEMES[theme]
    dark = tuple(part // 5 for part in middle)
    light = tuple(255 - (255 - part) // 6 for part in middle)
    tinted = ImageOps.colorize(image.convert("L"), dark, light, middle)
    return Image.blend(image, tinted, 1.0 if theme == "monochrome" else 0.85)


def _spoiled(image: Image.Image, random: Random) -> Image.Image:
    """Small and large again, blurred, and through a poor JPEG."""
    share = random.choice([2, 3])
    small = image.resize((image.width // share, image.height // share), Image.Resampling.BILINEAR)
    blurred = small.resize(
        image.size, random.choice([Image.Resampling.NEAREST, Image.Resampling.BILINEAR])
    )
    file = io.BytesIO()
    blurred.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.5))).save(
        file, "JPEG", quality=random.randint(4, 20)
    )
    return Image.open(file).convert("RGB")


def _placed(canvas: Image.Image, place: int, count: int, random: Random) -> _Pen:
    """Room is left for what stands above a head."""
    wide, tall = canvas.size
    share = wide / count
    radius = random.uniform(0.165, 0.215) * min(share * 1.25, tall, wide)
    x = share * (place + 0.5) + random.uniform(-0.08, 0.08) * share
    y = max(radius * random.uniform(2.1, 2.5), tall * random.uniform(0.42, 0.52))
    return _Pen(canvas, (x, y), radius, radians(random.uniform(-7, 7)))


class _Pen:
    """Draws in shares of half a face's width, around its centre, turned a little."""

    def __init__(self, canvas: Image.Image, centre: Point, radius: float, turn: float) -> None:
        self._canvas = canvas
        self._draw = ImageDraw.Draw(canvas)
        self._centre = centre
        self._radius = radius
        self._turn = (cos(turn), sin(turn))
        self._width = max(2, round(radius / 17))

    def face(self) -> tuple[float, float, float, float]:
        """The box of the face in pixels of the picture."""
        (x, y), radius = self._centre, self._radius
        left, top, right, bottom = x - radius, y - radius, x + radius, y + radius * 1.15
        return left / SCALE, top / SCALE, right / SCALE, bottom / SCALE

    def at(self, point: Point) -> Point:
        x, y = point
        c, s = self._turn
        return (
            self._centre[0] + self._radius * (x * c - y * s),
            self._centre[1] + self._radius * (x * s + y * c),
        )

    def shape(
        self,
        points: Points,
        fill: Colour | None,
        line: Colour | None = None,
        *,
        round_: bool = True,
    ) -> Points:
        """A closed shape; what it returns is for `shade`."""
        outline = [self.at(point) for point in (_rounded(points) if round_ else points)]
        if fill:
            self._draw.polygon(outline, fill)
        if line:
            self._draw.line([*outline, *outline[:2]], line, self._width, joint="curve")
        return outline

    def shade(self, outline: Points, points: Points, fill: Colour) -> None:
        """The part of a drawn shape that lies within `points`."""
        within = [self.at(point) for point in _rounded(points)]
        masks = []
        for each in (outline, within):
            mask = Image.new("1", self._canvas.size)
            ImageDraw.Draw(mask).polygon(each, 1)
            masks.append(mask)
        self._canvas.paste(fill, mask=ImageChops.logical_and(*masks))

    def stroke(self, points: Points, colour: Colour, width: float = 1.0) -> None:
        line = [self.at(point) for point in points]
        self._draw.line(line, colour, max(1, round(self._width * width)), joint="curve")

    def oval(
        self,
        centre: Point,
        across: float,
        up: float,
        fill: Colour | None,
        line: Colour | None = None,
    ) -> Points:
        return self.shape(_oval(centre, across, up), fill, line, round_=False)


class _Figure:
    """A girl from back to front."""

    def __init__(self, pen: _Pen, girl: Girl, random: Random) -> None:
        self._pen = pen
        self._girl = girl
        self._random = random
        self._hair = HAIR[girl.hair]
        self._shade = _mixed(self._hair, (60, 30, 90), 0.24)
        self._light = _mixed(self._hair, (255, 255, 255), 0.45)
        self._line = _mixed(self._hair, (40, 20, 40), 0.72)
        self._side = random.choice([-1, 1])

    def draw(self) -> None:
        if self._girl.halo:
            self._halo()
        self._hair_behind()
        self._body()
        self._face()
        self._front_hair()
        self._features_over_hair()

    def _halo(self) -> None:
        colour = self._random.choice(HALOS)
        high = -1.98 - (0.35 if self._girl.ears == "rabbit ears" else 0)
        ring = _oval((0, high), 0.98, 0.3)
        self._pen.stroke([*ring, ring[0], ring[1]], _mixed(colour, (40, 40, 90), 0.35), 4.6)
        self._pen.stroke([*ring, ring[0], ring[1]], colour, 3.0)

    def _hair_behind(self) -> None:
        style = self._girl.style
        for side in (-1, 1):
            if style == "twintails":
                self._lock(_mirrored(_TWINTAIL, side))
            if style == "double bun":
                ball = self._pen.oval((side * 1.0, -1.3), 0.56, 0.54, self._hair, self._line)
                self._pen.shade(ball, _oval((side * 1.05, -1.05), 0.6, 0.4), self._shade)
        if style == "ponytail":
            self._lock(_mirrored(_PONYTAIL, self._side))
        back = self._pen.shape(_BACKS.get(style, _CAP), self._shade, self._line)
        if style == "long hair":
            self._pen.shade(back, [(-1.6, 1.4), (-0.8, 1.0), (-1.0, 3.6), (-1.9, 3.6)], self._hair)
            self._pen.shade(back, [(1.6, 1.4), (0.8, 1.0), (1.0, 3.6), (1.9, 3.6)], self._hair)

    def _lock(self, points: Points) -> None:
        outline = self._pen.shape(points, self._hair, self._line)
        lower = [(x * 0.93, y + 0.75) for x, y in points]
        self._pen.shade(outline, lower, self._shade)

    def _body(self) -> None:
        neck = [(-0.34, 0.7), (0.34, 0.7), (0.36, 1.5), (0.6, 1.75), (-0.6, 1.75), (-0.36, 1.5)]
        outline = self._pen.shape(neck, SKIN, _SKIN_LINE, round_=False)
        self._pen.shade(outline, [(-0.6, 0.8), (0.6, 0.8), (0.5, 1.3), (-0.2, 1.42)], SKIN_SHADE)
        getattr(self, f"_{self._girl.clothes}")()

    def _torso(self, fill: Colour) -> Points:
        shape = self._pen.shape(_TORSO, fill, _LINE)
        for side in (-1, 1):
            self._pen.shade(shape, _mirrored(_ARM_SHADE, side), _mixed(fill, (50, 40, 90), 0.2))
            self._pen.stroke(_mirrored([(1.3, 2.5), (1.22, 4.5)], side), _LINE)
        return shape

    def _serafuku(self) -> None:
        self._torso(WHITE)
        for side in (-1, 1):
            collar = [(0.34, 1.25), (0.95, 1.6), (1.12, 2.2), (0.0, 2.75), (0.0, 2.35)]
            self._pen.shape(_mirrored(collar, side), NAVY, _LINE, round_=False)
            self._pen.stroke(_mirrored([(0.95, 2.1), (0.1, 2.6)], side), WHITE, 0.8)
            bow = [(0.0, 2.5), (0.55, 2.45), (0.42, 3.1), (0.0, 2.75)]
            self._pen.shape(_mirrored(bow, side), RED, _LINE, round_=False)
        self._pen.oval((0, 2.62), 0.16, 0.16, RED, _LINE)

    def _hoodie(self) -> None:
        colour = self._random.choice(KNITS)
        hood = [(-0.4, 1.0), (-1.05, 1.35), (-0.9, 2.0), (0.9, 2.0), (1.05, 1.35), (0.4, 1.0)]
        self._torso(colour)
        self._pen.shape(hood, _mixed(colour, (50, 40, 90), 0.22), _LINE)
        self._pen.shape([(-0.36, 1.2), (0.36, 1.2), (0.1, 1.95), (-0.1, 1.95)], SKIN, None)
        for side in (-1, 1):
            self._pen.stroke(_mirrored([(0.36, 1.75), (0.42, 2.7)], side), WHITE, 1.4)

    def _blazer(self) -> None:
        self._torso(self._random.choice([NAVY, (70, 62, 70), (120, 70, 62)]))
        self._pen.shape([(-0.5, 1.4), (0.5, 1.4), (0.0, 3.4)], WHITE, _LINE, round_=False)
        tie = [
            (-0.16, 1.75),
            (0.16, 1.75),
            (0.1, 2.0),
            (0.24, 3.0),
            (0.0, 3.25),
            (-0.24, 3.0),
            (-0.1, 2.0),
        ]
        self._pen.shape(
            tie, self._random.choice([RED, (60, 110, 190), (60, 140, 90)]), _LINE, round_=False
        )
        for side in (-1, 1):
            collar = [(0.3, 1.22), (0.62, 1.55), (0.3, 2.05), (0.0, 1.72)]
            self._pen.shape(_mirrored(collar, side), WHITE, _LINE, round_=False)

    def _sweater(self) -> None:
        colour = self._random.choice(KNITS)
        self._torso(colour)
        neck = [(-0.46, 1.12), (0.46, 1.12), (0.52, 1.75), (-0.52, 1.75)]
        outline = self._pen.shape(neck, colour, _LINE, round_=False)
        self._pen.shade(
            outline,
            [(-0.7, 1.0), (0.7, 1.0), (0.5, 1.4), (-0.5, 1.4)],
            _mixed(colour, (50, 40, 90), 0.2),
        )

    def _kimono(self) -> None:
        colour = self._random.choice(KIMONOS)
        self._torso(colour)
        self._pen.shape([(-0.4, 1.4), (0.4, 1.4), (0.0, 2.3)], SKIN, None, round_=False)
        for side in (-1, 1):
            band = [(0.5, 1.25), (0.78, 1.45), (-0.5, 3.3), (-0.72, 3.0)]
            self._pen.shape(_mirrored(band, side), WHITE, _LINE, round_=False)
        self._pen.shape(
            [(-1.2, 3.2), (1.2, 3.2), (1.15, 4.3), (-1.15, 4.3)], KNITS[1], _LINE, round_=False
        )

    def _dress(self) -> None:
        skin = self._pen.shape(_TORSO, SKIN, _SKIN_LINE)
        self._pen.shade(skin, [(-0.6, 1.3), (0.6, 1.3), (0.3, 1.7), (-0.3, 1.7)], SKIN_SHADE)
        for side in (-1, 1):
            self._pen.stroke(_mirrored([(1.3, 2.6), (1.22, 4.5)], side), _SKIN_LINE)
        front = [
            (-0.62, 1.62),
            (-0.45, 2.3),
            (0.0, 2.55),
            (0.45, 2.3),
            (0.62, 1.62),
            (0.8, 1.66),
            (1.12, 2.9),
            (1.2, 4.5),
            (-1.2, 4.5),
            (-1.12, 2.9),
            (-0.8, 1.66),
        ]
        self._pen.shape(front, WHITE, _LINE, round_=False)

    def _face(self) -> None:
        outline = self._pen.shape(_FACE, SKIN, _SKIN_LINE)
        self._pen.shade(
            outline, [(-1.2, -1.2), (1.2, -1.2), (1.05, 0.1), (0, -0.12), (-1.05, 0.1)], SKIN_SHADE
        )
        if self._girl.blush:
            for side in (-1, 1):
                self._pen.oval((side * 0.62, 0.68), 0.24, 0.12, BLUSH)
        for side, tag in zip((-1, 1), self._girl.eyes, strict=True):
            self._eye(side, EYES[tag])
        self._pen.stroke([(0.02, 0.56), (0.06, 0.6)], _SKIN_LINE)
        self._mouth()

    def _eye(self, side: int, iris: Colour) -> None:
        pen, x = self._pen, side * 0.47
        brow = [(x - 0.2, -0.14), (x, -0.2), (x + 0.2, -0.14)]
        if self._girl.closed:
            pen.stroke(_arc((x, 0.18), 0.26, 0.2, 10, 170), _LASH, 2.2)
        else:
            pen.oval((x, 0.27), 0.26, 0.31, WHITE)
            oval = pen.oval((x, 0.28), 0.215, 0.3, iris, _mixed(iris, (20, 10, 40), 0.6))
            pen.shade(oval, _oval((x, 0.08), 0.3, 0.2), _mixed(iris, (20, 10, 50), 0.55))
            pen.oval((x, 0.28), 0.075, 0.12, _mixed(iris, (10, 0, 30), 0.75))
            pen.oval((x - 0.08, 0.14), 0.075, 0.09, WHITE)
            pen.stroke(_arc((x, 0.27), 0.29, 0.33, 195, 345), _LASH, 2.4)
        pen.stroke(brow, _mixed(self._line, self._hair, 0.2), 1.2)

    def _mouth(self) -> None:
        kind, pen = self._girl.mouth, self._pen
        if kind == "open mouth":
            pen.shape(
                [(-0.2, 0.76), (0, 0.73), (0.2, 0.76), (0.12, 0.94), (-0.12, 0.94)], MOUTH, _LASH
            )
        elif kind == "smile":
            pen.stroke(_arc((0, 0.7), 0.24, 0.15, 20, 160), _LASH, 1.5)
        elif kind == "frown":
            pen.stroke(_arc((0, 0.96), 0.2, 0.14, 205, 335), _LASH, 1.5)
        else:
            pen.stroke([(-0.11, 0.82), (0.11, 0.82)], _LASH, 1.5)

    def _front_hair(self) -> None:
        long = {"long hair": 2.3, "twintails": 1.5, "short hair": 1.05}.get(self._girl.style, 1.2)
        for side in (-1, 1):
            strand = [
                (1.16, -0.6),
                (1.24, 0.2),
                (1.16, long),
                (0.98, long * 0.7),
                (0.86, 0.1),
                (0.9, -0.5),
            ]
            outline = self._pen.shape(_mirrored(strand, side), self._hair, self._line)
            self._pen.shade(
                outline,
                _mirrored([(0.95, 0.3), (1.3, 0.1), (1.3, 2.4), (1.1, 2.4)], side),
                self._shade,
            )
        if self._girl.ears:
            self._animal_ears()
        fringe = self._pen.shape([*_CROWN, *self._fringe()], self._hair, self._line, round_=False)
        self._pen.shade(fringe, _SHINE, self._light)
        self._pen.shade(fringe, [(-1.4, -0.2), (1.4, -0.2), (1.2, 0.6), (-1.2, 0.6)], self._shade)

    def _fringe(self) -> Points:
        """From the right temple to the left one."""
        if self._girl.fringe == "blunt bangs":
            return [
                (1.0, 0.3),
                (0.92, -0.1),
                (0.5, -0.06),
                (0.46, -0.14),
                (0.0, -0.04),
                (-0.46, -0.14),
                (-0.5, -0.06),
                (-0.92, -0.1),
                (-1.0, 0.3),
            ]
        if self._girl.fringe == "parted bangs":
            middle = self._side * 0.25
            return [
                (1.02, 0.5),
                (0.86, -0.1),
                (0.62, 0.0),
                (0.5, -0.5),
                (middle, -0.95),
                (-0.5, -0.5),
                (-0.62, 0.0),
                (-0.86, -0.1),
                (-1.02, 0.5),
            ]
        tips = [0.72, 0.32, -0.1, -0.5, -0.8]
        points = [(1.02, 0.4), (0.9, -0.25)]
        for tip in tips:
            drop = self._random.uniform(-0.02, 0.12)
            points += [(tip + 0.02 * self._side, drop), (tip - 0.16, -0.4 + drop)]
        return [*points, (-1.02, 0.4)]

    def _animal_ears(self) -> None:
        inner = (250, 190, 196) if self._girl.ears != "fox ears" else (250, 240, 226)
        for side in (-1, 1):
            outer, lining = _EARS[self._girl.ears]
            self._pen.shape(_mirrored(outer, side), self._hair, self._line, round_=False)
            self._pen.shape(_mirrored(lining, side), inner, None, round_=False)

    def _features_over_hair(self) -> None:
        if self._girl.glasses:
            self._glasses()
        if self._girl.headwear:
            getattr(self, f"_{self._girl.headwear.replace(' ', '_')}")()

    def _glasses(self) -> None:
        colour = self._random.choice(FRAMES)
        for side in (-1, 1):
            lens = _oval((side * 0.47, 0.3), 0.4, 0.4)
            self._pen.stroke([*lens, lens[0], lens[1]], colour, 1.9)
            self._pen.stroke(_mirrored([(0.86, 0.24), (1.04, 0.16)], side), colour, 1.9)
        self._pen.stroke([(-0.08, 0.26), (0.08, 0.26)], colour, 1.9)

    def _beret(self) -> None:
        side, colour = self._side, self._random.choice([RED, NAVY, (70, 60, 66), (150, 110, 80)])
        shape = [
            (-1.15, -0.95),
            (-1.35, -1.35),
            (-0.7, -1.8),
            (0.3, -1.9),
            (1.1, -1.65),
            (1.2, -1.15),
            (0.3, -1.1),
        ]
        outline = self._pen.shape(_mirrored(shape, side), colour, _LINE)
        self._pen.shade(
            outline,
            _mirrored([(-1.3, -1.2), (1.3, -1.35), (1.2, -0.9), (-1.2, -0.8)], side),
            _mixed(colour, (30, 20, 60), 0.3),
        )

    def _hair_bow(self) -> None:
        side = self._side
        colour = self._random.choice([RED, (70, 110, 210), (250, 210, 80), (60, 50, 60)])
        for end in (-1, 1):
            loop = [(0.0, 0.0), (end * 0.55, -0.4), (end * 0.62, 0.28)]
            self._pen.shape(
                [(side * 0.72 + x, -1.22 + y) for x, y in loop], colour, _LINE, round_=False
            )
        self._pen.oval((side * 0.72, -1.2), 0.15, 0.17, colour, _LINE)

    def _hairband(self) -> None:
        colour = self._random.choice([RED, NAVY, WHITE, (60, 50, 60)])
        self._pen.stroke(_arc((0, -0.25), 1.12, 1.08, 200, 340), _LINE, 4.4)
        self._pen.stroke(_arc((0, -0.25), 1.12, 1.08, 200, 340), colour, 3.0)


_LINE, _LASH, _SKIN_LINE = (52, 40, 60), (50, 32, 44), (176, 110, 104)
_FACE = [
    (-0.98, -0.2), (-0.93, 0.36), (-0.6, 0.86), (-0.13, 1.13), (0.13, 1.13), (0.6, 0.86),
    (0.93, 0.36), (0.98, -0.2), (0.8, -0.95), (0.0, -1.2), (-0.8, -0.95),
]  # fmt: skip
_CROWN = [
    (-1.02, 0.4), (-1.16, 0.0), (-1.2, -0.4), (-1.12, -0.8), (-0.92, -1.14), (-0.6, -1.38),
    (-0.22, -1.5), (0.22, -1.5), (0.6, -1.38), (0.92, -1.14), (1.12, -0.8), (1.2, -0.4),
    (1.16, 0.0),
]  # fmt: skip
_SHINE = [(-0.95, -0.95), (0.0, -1.2), (0.95, -0.95), (0.9, -0.76), (0.0, -0.98), (-0.9, -0.76)]
_CAP = [
    (-1.12, 0.9),
    (-1.3, 0.1),
    (-1.05, -1.0),
    (0.0, -1.5),
    (1.05, -1.0),
    (1.3, 0.1),
    (1.12, 0.9),
    (0.0, 0.8),
]
_BACKS = {
    "short hair": [
        (-1.0, 1.3), (-1.45, 1.1), (-1.38, 0.0), (-1.05, -1.05), (0.0, -1.5), (1.05, -1.05),
        (1.38, 0.0), (1.45, 1.1), (1.0, 1.3), (0.0, 1.1),
    ],
    "long hair": [
        (-1.55, 3.6), (-1.75, 2.2), (-1.4, 0.2), (-1.05, -1.05), (0.0, -1.5), (1.05, -1.05),
        (1.4, 0.2), (1.75, 2.2), (1.55, 3.6), (0.0, 3.4),
    ],
}  # fmt: skip
_TWINTAIL = [
    (1.05, -0.95),
    (1.6, -0.85),
    (2.1, 0.1),
    (2.15, 1.6),
    (1.75, 3.0),
    (1.5, 1.6),
    (1.45, 0.3),
    (1.0, -0.4),
]
_PONYTAIL = [
    (0.4, -1.4),
    (1.2, -1.75),
    (2.0, -1.2),
    (2.2, 0.4),
    (1.9, 2.4),
    (1.6, 1.2),
    (1.5, 0.0),
    (1.0, -0.7),
]
_TORSO = [
    (-0.4, 1.42),
    (-1.4, 1.78),
    (-1.85, 2.6),
    (-2.0, 4.6),
    (-2.0, 5.6),
    (2.0, 5.6),
    (2.0, 4.6),
    (1.85, 2.6),
    (1.4, 1.78),
    (0.4, 1.42),
]
_ARM_SHADE = [(1.25, 2.4), (1.6, 2.0), (2.2, 3.0), (2.2, 5.0), (1.25, 5.0)]
_EARS = {
    "cat ears": (
        [(0.35, -1.38), (0.98, -2.1), (1.15, -0.85)],
        [(0.55, -1.4), (0.94, -1.86), (1.02, -1.05)],
    ),
    "fox ears": (
        [(0.25, -1.4), (0.95, -2.45), (1.32, -0.7)],
        [(0.52, -1.45), (0.95, -2.1), (1.14, -1.0)],
    ),
    "rabbit ears": (
        [(0.2, -1.4), (0.28, -2.5), (0.6, -2.75), (0.92, -2.4), (0.78, -1.25)],
        [(0.36, -1.5), (0.42, -2.4), (0.6, -2.55), (0.76, -2.3), (0.64, -1.4)],
    ),
}


def _rounded(points: Points) -> Points:
    """A closed curve through the points, after Catmull and Rom."""
    count, curve = len(points), []
    for place in range(count):
        around = [points[(place + step) % count] for step in (-1, 0, 1, 2)]
        curve += [_between(around, part) for part in (0, 0.25, 0.5, 0.75)]
    return curve


def _between(around: Points, part: float) -> Point:
    """The point at `part` of the way from the second to the third of four."""
    x, y = (
        b
        + 0.5
        * part
        * ((c - a) + part * ((2 * a - 5 * b + 4 * c - d) + part * (3 * (b - c) + d - a)))
        for a, b, c, d in zip(*around, strict=True)
    )
    return x, y


def _oval(centre: Point, across: float, up: float) -> Points:
    return _arc(centre, across, up, 0, 360)[:-1]


def _arc(centre: Point, across: float, up: float, start: float, end: float) -> Points:
    steps = 28
    angles = [(start + (end - start) * step / steps) * pi / 180 for step in range(steps + 1)]
    return [(centre[0] + across * cos(angle), centre[1] + up * sin(angle)) for angle in angles]


def _mirrored(points: Points, side: int) -> Points:
    return [(x * side, y) for x, y in points]


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue
