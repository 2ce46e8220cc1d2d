"""What the tiny models know: girls with hair, eyes, clothes and a background, each with its tags.

`Bust` is one picture in words; `bust_drawing.py` draws it. Names are Danbooru's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random

    Colour = tuple[int, int, int]

HAIR: dict[str, Colour] = {
    "blonde hair": (246, 214, 118), "brown hair": (134, 88, 58), "black hair": (54, 50, 64),
    "blue hair": (88, 138, 224), "white hair": (236, 238, 246), "pink hair": (248, 160, 194),
    "purple hair": (154, 108, 206), "red hair": (204, 58, 58), "green hair": (98, 178, 110),
    "orange hair": (242, 144, 64),
}  # fmt: skip
EYES: dict[str, Colour] = {
    "blue eyes": (56, 118, 232), "red eyes": (216, 44, 56), "green eyes": (50, 168, 84),
    "brown eyes": (136, 84, 52), "purple eyes": (150, 76, 204), "yellow eyes": (240, 190, 48),
}  # fmt: skip
PLAIN: dict[str, Colour] = {
    "white background": (250, 250, 250), "grey background": (178, 180, 186),
    "black background": (36, 36, 42), "blue background": (140, 192, 246),
    "pink background": (252, 194, 214), "yellow background": (252, 232, 140),
    "green background": (172, 226, 168), "purple background": (202, 178, 240),
    "red background": (226, 92, 92), "orange background": (252, 188, 122),
}  # fmt: skip
# The first tag of a scene always stands in the caption, the others often.
SCENES: dict[str, tuple[str, ...]] = {
    "sky": ("blue sky", "cloud", "outdoors", "sky", "day"),
    "night": ("night sky", "starry sky", "night", "outdoors", "sky"),
    "beach": ("beach", "ocean", "outdoors", "blue sky", "horizon"),
    "forest": ("forest", "tree", "outdoors", "nature"),
    "city": ("cityscape", "city", "building", "outdoors"),
    "sunset": ("sunset", "orange sky", "sun", "outdoors"),
    "room": ("indoors", "window", "curtains"),
    "blossoms": ("cherry blossoms", "petals", "outdoors", "spring (season)"),
    "snow": ("snow", "snowing", "winter", "outdoors"),
    "field": ("flower field", "flower", "grass", "outdoors"),
}
THEMES: dict[str, Colour] = {
    "blue theme": (96, 140, 230), "pink theme": (244, 140, 180), "red theme": (212, 70, 70),
    "green theme": (100, 180, 110), "purple theme": (150, 104, 206), "yellow theme": (232, 194, 90),
    "monochrome": (150, 150, 150),
}  # fmt: skip
STYLES = ("short hair", "long hair", "twintails", "ponytail", "double bun")
FRINGES = ("bangs", "blunt bangs", "parted bangs")
MOUTHS = ("smile", "open mouth", "frown", "expressionless")
CLOTHES: dict[str, tuple[str, ...]] = {
    "serafuku": ("serafuku", "school uniform", "sailor collar", "neckerchief"),
    "hoodie": ("hoodie", "hood down", "drawstring"),
    "blazer": ("blazer", "school uniform", "collared shirt", "necktie"),
    "sweater": ("sweater", "turtleneck"),
    "kimono": ("kimono", "japanese clothes"),
    "dress": ("white dress", "sleeveless", "bare shoulders"),
}
EARS: dict[str, tuple[str, ...]] = {
    "cat ears": ("cat ears", "animal ears"),
    "fox ears": ("fox ears", "animal ears"),
    "rabbit ears": ("rabbit ears", "animal ears"),
}
HEADWEAR: dict[str, tuple[str, ...]] = {
    "beret": ("beret", "hat"),
    "hair bow": ("hair bow", "bow"),
    "hairband": ("hairband",),
}
GOOD = ("best quality", "masterpiece", "great quality", "highres", "absurdres")
# What captions say besides and pictures do not show, so that it is learnt to mean nothing.
OTHERS = (
    "ahoge", "black footwear", "black skirt", "blue archive", "blue skirt", "braid",
    "brown footwear", "buttons", "cape", "choker", "closed mouth", "collarbone", "cowboy shot",
    "cup", "earrings", "facing viewer", "feathers", "frills", "full body", "gloves",
    "hair between eyes", "hair ornament", "hairclip", "hand up", "holding", "jewelry", "leaf",
    "long sleeves", "medium hair", "necklace", "one eye closed", "pantyhose", "pleated skirt",
    "puffy sleeves", "red ribbon", "ribbon", "scarf", "short sleeves", "shorts", "sidelocks",
    "sitting", "skirt", "sleeves past wrists", "socks", "sparkle", "standing", "thighhighs",
    "umbrella", "very long hair", "white gloves", "white shirt", "wings",
)  # fmt: skip
POOR = ("worst quality", "low quality", "lowres", "jpeg artifacts", "blurry", "error")


class Girl(NamedTuple):
    """One of the girls; `eyes` are her right and her left one."""

    hair: str
    style: str
    fringe: str
    eyes: tuple[str, str]
    closed: bool
    mouth: str
    blush: bool
    glasses: bool
    ears: str
    halo: bool
    headwear: str
    clothes: str


class Bust(NamedTuple):
    """A picture in words. `theme` is empty for true colours; `poor` is drawn to be mended."""

    girls: tuple[Girl, ...]
    background: str
    theme: str
    poor: bool


def any_bust(random: Random, girls: int = 0) -> Bust:
    """A picture of one girl, seldom two, unless `girls` says how many."""
    count = girls or random.choices([1, 2], [94, 6])[0]
    plain = random.random() < 0.55
    return Bust(
        tuple(any_girl(random) for _ in range(count)),
        random.choice(tuple(PLAIN if plain else SCENES)),
        random.choice(tuple(THEMES)) if random.random() < 0.07 else "",
        random.random() < 0.05,
    )


def any_girl(random: Random) -> Girl:
    """Hair and eyes of every colour alike, the rest as often as it takes to be learnt."""
    right = random.choice(tuple(EYES))
    left = random.choice(tuple(EYES)) if random.random() < 0.05 else right
    ears = random.choice(tuple(EARS)) if random.random() < 0.25 else ""
    worn = random.random() < (0.1 if ears else 0.25)
    return Girl(
        hair=random.choice(tuple(HAIR)),
        style=random.choice(STYLES),
        fringe=random.choice(FRINGES),
        eyes=(right, left),
        closed=random.random() < 0.1,
        mouth=random.choice(MOUTHS),
        blush=random.random() < 0.25,
        glasses=random.random() < 0.22,
        ears=ears,
        halo=random.random() < 0.35,
        headwear=random.choice(tuple(HEADWEAR)) if worn else "",
        clothes=random.choice(tuple(CLOTHES)),
    )


def tags_of(bust: Bust, random: Random) -> list[str]:
    """The caption, in the order of BAXL: colour theme, count, the girls, background, quality."""
    counts = ["1girl", "solo"] if len(bust.girls) == 1 else ["2girls", "multiple girls"]
    general = [tag for girl in bust.girls for tag in _girl_tags(girl, bust.theme, random)]
    general += ["looking at viewer"] * (random.random() < 0.3)
    general += ["upper body"] * (random.random() < 0.3)
    general += _background_tags(bust, random)
    general += random.sample(OTHERS, random.randint(1, 5)) if random.random() < 0.35 else []
    random.shuffle(general)
    whole = [
        bust.theme,
        *counts[: random.choice([1, 2, 2])],
        *general,
        *_quality_tags(bust, random),
    ]
    return list(dict.fromkeys(filter(None, whole)))


def _girl_tags(girl: Girl, theme: str, random: Random) -> list[str]:
    tags = [girl.style, girl.mouth, *_some(CLOTHES[girl.clothes], random)]
    tags += [] if theme else [girl.hair]
    tags += ["closed eyes"] if girl.closed else [] if theme else _eye_tags(girl)
    tags += [girl.fringe] * (random.random() < 0.6)
    tags += ["blush"] * girl.blush + ["glasses"] * girl.glasses + ["halo"] * girl.halo
    tags += _some(EARS.get(girl.ears, ()), random) + _some(HEADWEAR.get(girl.headwear, ()), random)
    return tags


def _eye_tags(girl: Girl) -> list[str]:
    different = girl.eyes[0] != girl.eyes[1]
    return ["heterochromia"] * different + list(dict.fromkeys(girl.eyes))


def _background_tags(bust: Bust, random: Random) -> list[str]:
    if bust.background in SCENES:
        return _some(SCENES[bust.background], random)
    plain = ["simple background"] * (random.random() < 0.7)
    return plain if bust.theme else [bust.background, *plain]


def _quality_tags(bust: Bust, random: Random) -> list[str]:
    if bust.poor:
        return random.sample(POOR, random.randint(2, 4))
    return random.sample(GOOD, random.choice([0, 0, 1, 2, 3]))


def _some(tags: tuple[str, ...], random: Random) -> list[str]:
    """The first one, and each of the others more often than not."""
    return [tag for place, tag in enumerate(tags) if not place or random.random() < 0.65]
