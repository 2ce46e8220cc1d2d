"""Pictures for `train_detector.py`: flat busts with dark outlines, and where their faces are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from random import Random

    Colour = tuple[int, int, int]
    Box = tuple[float, float, float, float]

SKINS = [(255, 228, 208), (250, 215, 190), (240, 195, 165), (205, 150, 115), (150, 100, 75)]
HAIRS = [
    (240, 205, 110), (130, 85, 55), (45, 40, 50), (95, 135, 215), (240, 240, 245), (245, 165, 190),
    (160, 115, 200), (200, 60, 55), (150, 150, 160), (110, 175, 105), (240, 150, 70),
    (120, 210, 210),
]  # fmt: skip
IRISES = [
    (80, 130, 220),
    (200, 60, 60),
    (80, 170, 90),
    (120, 80, 50),
    (150, 90, 190),
    (220, 180, 60),
]
OUTLINES = [(40, 30, 40), (70, 50, 60), (20, 20, 30)]
# Drawn larger and scaled down, so that edges are smooth.
SCALE = 2


class Picture(NamedTuple):
    """faces: left, top, right, bottom in pixels."""

    image: Image.Image
    faces: list[Box]


def draw_picture(random: Random, longest: int) -> Picture:
    """A picture with up to three busts; its longer side has `longest` pixels."""
    shorter = round(longest * random.choice([1, 1, 0.75, 0.68, 0.6]))
    sides = random.choice([(longest, shorter), (shorter, longest)])
    canvas = Image.new("RGB", (sides[0] * SCALE, sides[1] * SCALE), _any_colour(random))
    draw = ImageDraw.Draw(canvas)
    _background(draw, canvas.size, random)
    count = random.choices([0, 1, 2, 3], [12, 55, 23, 10])[0]
    faces = []
    for place in range(count):
        bust = _Bust(draw, random, _face_box(canvas.size, place, count, random))
        faces.append(bust.drawn())
    image = canvas.resize(sides, Image.Resampling.BOX)
    return Picture(image, [tuple(side / SCALE for side in face) for face in faces])


def _face_box(size: tuple[int, int], place: int, count: int, random: Random) -> Box:
    """Faces stand side by side, each within its own share of the width."""
    share = size[0] / max(count, 1)
    tall = random.uniform(0.2, 0.65) * min(share * 1.1, size[1])
    wide = tall * random.uniform(0.85, 1.08)
    slack = max(share - wide * 1.1, 0)
    left = share * place + wide * 0.05 + random.uniform(0, slack)
    top = random.uniform(0.12, 0.9 - tall / size[1] * 0.9) * size[1]
    return left, top, left + wide, min(top + tall, size[1] - 1)


def _background(draw: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> None:
    """Plain, or with stripes, discs and boxes, some in colours of skin and hair."""
    for _ in range(random.choice([0, 0, 2, 5, 9])):
        shape = random.choice([draw.ellipse, draw.rectangle])
        x, y = random.uniform(-0.2, 1) * size[0], random.uniform(-0.2, 1) * size[1]
        wide, tall = (random.uniform(0.05, 0.6) * side for side in size)
        colour = random.choice([_any_colour(random), random.choice(SKINS), random.choice(HAIRS)])
        outline = random.choice([None, *OUTLINES])
        shape((x, y, x + wide, y + tall), fill=colour, outline=outline, width=SCALE)


def _any_colour(random: Random) -> Colour:
    return (random.randrange(256), random.randrange(256), random.randrange(256))


class _Bust:
    """One head with shoulders. Places are given in shares of the face's box."""

    def __init__(self, draw: ImageDraw.ImageDraw, random: Random, face: Box) -> None:
        self._draw = draw
        self._random = random
        self._face = face
        self._skin = random.choice(SKINS)
        self._hair = random.choice(HAIRS)
        self._line = random.choice(OUTLINES)
        self._width = max(SCALE, round((face[3] - face[1]) / 40))

    def drawn(self) -> Box:
        """Draws from back to front; returns the face's box."""
        random = self._random
        length = random.choice([1.0, 1.3, 1.9])
        self._ellipse((-0.2, -0.35, 1.2, length), self._hair)
        if random.random() < 0.3:
            self._animal_ears()
        self._ellipse((-0.45, 1.15, 1.45, 2.9), _any_colour(random))
        self._polygon([(0.38, 0.85), (0.62, 0.85), (0.64, 1.25), (0.36, 1.25)], self._skin)
        self._head()
        self._eyes()
        self._mouth()
        self._bangs()
        if random.random() < 0.2:
            self._halo_or_hat()
        return self._face

    def _head(self) -> None:
        chin = self._random.uniform(0.42, 0.5)
        outline = [(0.0, 0.25), (0.02, 0.6), (0.2, 0.88), (chin, 1.0), (1 - chin, 1.0)]
        outline += [(0.8, 0.88), (0.98, 0.6), (1.0, 0.25), (0.85, 0.02), (0.15, 0.02)]
        self._polygon(outline, self._skin)

    def _eyes(self) -> None:
        random = self._random
        high, tall = random.uniform(0.45, 0.58), random.uniform(0.1, 0.26)
        wide, apart = random.uniform(0.17, 0.26), random.uniform(0.18, 0.26)
        iris, closed = random.choice(IRISES), random.random() < 0.12
        for side in (-1, 1):
            x = 0.5 + side * apart
            box = (x - wide / 2, high - tall / 2, x + wide / 2, high + tall / 2)
            if closed:
                self._arc(box, 0, 180)
                continue
            self._ellipse(box, (255, 255, 255))
            self._ellipse((x - wide / 3, box[1], x + wide / 3, box[3]), iris)
            self._ellipse((x - 0.03, high - 0.05, x + 0.03, high + 0.04), self._line)
            self._arc((box[0] - 0.03, box[1] - 0.12, box[2] + 0.03, box[1] + 0.1), 200, 340)
        if random.random() < 0.15:
            for side in (-1, 1):
                x = 0.5 + side * apart
                self._ellipse((x - 0.19, high - 0.16, x + 0.19, high + 0.18), None)

    def _mouth(self) -> None:
        wide, low = self._random.uniform(0.05, 0.16), self._random.uniform(0.76, 0.84)
        if self._random.random() < 0.4:
            self._ellipse((0.5 - wide, low, 0.5 + wide, low + 0.1), (190, 80, 80))
        else:
            self._arc((0.5 - wide, low - 0.05, 0.5 + wide, low + 0.05), 10, 170)

    def _bangs(self) -> None:
        random = self._random
        fringe = random.uniform(0.2, 0.4)
        points = [(-0.15, 0.55), (-0.15, 0.0), (0.15, -0.3), (0.5, -0.36), (0.85, -0.3)]
        points += [(1.15, 0.0), (1.15, 0.55), (1.0, 0.3)]
        strands = random.choice([3, 5, 7])
        for place in range(strands, 0, -1):
            points += [(place / (strands + 1), fringe + random.uniform(-0.05, 0.08))]
            points += [((place - 0.5) / (strands + 1), fringe * 0.45)]
        self._polygon([*points, (0.0, 0.3)], self._hair)

    def _animal_ears(self) -> None:
        for side in (-1, 1):
            tip = (0.5 + side * self._random.uniform(0.4, 0.65), -self._random.uniform(0.55, 0.9))
            self._polygon([(0.5 + side * 0.15, -0.25), tip, (0.5 + side * 0.65, 0.05)], self._hair)

    def _halo_or_hat(self) -> None:
        if self._random.random() < 0.5:
            self._ellipse((0.1, -0.75, 0.9, -0.5), None)
        else:
            self._ellipse((-0.25, -0.5, 1.25, -0.02), _any_colour(self._random))

    def _placed(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self._face
        return left + x * (right - left), top + y * (bottom - top)

    def _ellipse(self, box: Box, fill: Colour | None) -> None:
        corners = [self._placed(*box[:2]), self._placed(*box[2:])]
        self._draw.ellipse(corners, fill=fill, outline=self._line, width=self._width)

    def _arc(self, box: Box, start: int, end: int) -> None:
        corners = [self._placed(*box[:2]), self._placed(*box[2:])]
        self._draw.arc(corners, start, end, fill=self._line, width=self._width)

    def _polygon(self, points: list[tuple[float, float]], fill: Colour) -> None:
        placed = [self._placed(*point) for point in points]
        self._draw.polygon(placed, fill=fill, outline=self._line, width=self._width)
