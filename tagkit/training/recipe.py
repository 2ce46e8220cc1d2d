"""Recipes of `tagkit train`: YAML files that say what is trained, on what, and how."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tagkit.cards import CardTraining, Part, Training, image_card, image_cards, laid_over
from tagkit.cards.training import Count, Numbers, Pixels
from tagkit.errors import UserError
from tagkit.typed_yaml import converted, nearest, parse_yaml, place_of, read_yaml
from tagkit.typed_yaml import read_text as read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUFFIXES = (".yaml", ".yml")
# What a card's block tells readers and no recipe.
_TOLD = frozenset(CardTraining.__struct_fields__) - frozenset(Training.__struct_fields__)

_EVERY_STEPS = 500
_STOPPED_BY = {"error": ("error",), "warning": ("error", "warning"), "off": ()}


class Start(Part, frozen=True):
    """A model of random weights, built from the config files of a folder.

    config: the folder, from the recipe's own or inside tagkit's `models`. vae: a folder or file of
    a trained VAE, since recipes train none; not needed where the folder itself holds its weights.
    """

    config: str
    seed: int = 0
    vae: str = ""


class Pictures(Part, frozen=True):
    """A folder of pictures with a caption file beside each.

    repeats: times that each is seen in an epoch; where it is not said, the number that begins the
    folder's name in sd-scripts' way (`10_suzu`), else 1. caption: for pictures without a file.
    """

    folder: str
    repeats: Count | None = None
    caption: str = ""


class Save(Part, frozen=True):
    """Checkpoints to go on from, and the finished files.

    every_steps, every_minutes: how often a checkpoint is written; 0 for never. keep: so many of
    the latest stay. models: the finished files only at the end, or with each checkpoint.
    single_file: one .safetensors file in the names of A1111; folder: in the form of diffusers.
    """

    every_steps: Annotated[int, Meta(ge=0)] = _EVERY_STEPS
    every_minutes: Annotated[float, Meta(ge=0)] = 0.0
    keep: Count = 2
    models: Literal["final", "each"] = "final"
    precision: Numbers = "fp16"
    single_file: bool = True
    folder: bool = True


class Samples(Part, frozen=True):
    """Pictures drawn while training, each prompt with the same seed each time.

    every_steps: how often; 0 for only at the end. Where width and height are not said, pictures are
    squares of the buckets' resolution.
    """

    prompts: tuple[str, ...] = ()
    negative: str = ""
    every_steps: Annotated[int, Meta(ge=0)] = _EVERY_STEPS
    width: Pixels | None = None
    height: Pixels | None = None
    steps: Annotated[int, Meta(ge=1, le=1000)] = 25
    cfg: Annotated[float, Meta(ge=0, le=100)] = 6.0
    sampler: str = "euler-a"
    seed: int = 1


class About(Part, frozen=True):
    """What the file says of itself, in the words of ModelSpec."""

    title: str = ""
    author: str = ""
    description: str = ""
    license: str = ""


class Recipe(Training, frozen=True, kw_only=True):
    """A recipe as it is written.

    extends: a card, whose `training` it goes on from, or another recipe. from: what training starts
    from: a card, a .safetensors file, a diffusers folder, or config files. model: the card that
    captions are judged by. max_steps wins over epochs. lint: what in captions stops training.
    """

    version: Literal[1] = 1
    extends: str = ""
    from_: str | Start = msgspec.field(name="from", default="")
    model: str = ""
    about: About = About()
    data: tuple[Pictures, ...] = ()
    max_steps: Count | None = None
    epochs: Count | None = None
    seed: int = 0
    save: Save = Save()
    samples: Samples = Samples()
    lint: Literal["error", "warning", "off"] | bool = "error"

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """Severities of findings in captions that stop training; YAML reads `off` as false."""
        return _STOPPED_BY["off" if self.lint is False else str(self.lint)]


class Read(msgspec.Struct, frozen=True):
    """A recipe with its file; paths in it count from the file's folder."""

    path: Path
    recipe: Recipe

    @property
    def name(self) -> str:
        """What the trained files are called."""
        return self.path.stem

    def found(self, path: str) -> Path:
        """A path of the recipe: from its folder."""
        return self.path.parent / Path(path).expanduser()

    def place(self, *steps: str | int) -> str:
        """`file:line` of what `steps` lead to."""
        return place_of(self.path, steps)


def read_recipe(path: Path, settings: Sequence[str] = (), cards: Sequence[Path] = ()) -> Read:
    """The recipe in `path`, laid over what it extends, under the `key=value` texts of `--set`.

    cards: the user's folders of cards. Raises UserError with file, line and the nearest valid key.
    """
    data = _merged(path, cards, ())
    for setting in settings:
        data = laid_over(data, _override(setting))
    recipe = converted(data, Recipe, str(path), strict=False)
    read = Read(path, recipe)
    _check(read)
    return read


def _merged(path: Path, cards: Sequence[Path], seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise UserError(f"recipe `{path}` extends itself", str(path), "break the circle")
    own = read_yaml(path, Recipe, strict=False)
    data = read_yaml(path, dict[str, Any])
    if not own.extends:
        return data
    if Path(own.extends).suffix in SUFFIXES:
        below = _below(path, path.parent / own.extends, cards, (*seen, path.resolve()))
    else:
        below = _of_card(own.extends, path, cards)
    return laid_over(below, data)


def _below(
    path: Path, below: Path, cards: Sequence[Path], seen: tuple[Path, ...]
) -> dict[str, Any]:
    """The recipe below; its paths count from its own folder, also in the recipe above."""
    if not below.is_file():
        raise UserError(f"there is no recipe `{below}`", place_of(path, ("extends",)))
    data = _merged(below, cards, seen)
    folder = below.parent.resolve()
    if folder == path.parent.resolve():
        return data
    recipe = converted(data, Recipe, str(below), strict=False)
    return data | _absolute(recipe, folder)


def _absolute(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Those keys of a recipe that hold paths, made to mean the same from any folder."""
    moved: dict[str, Any] = {
        "data": [
            msgspec.to_builtins(each) | {"folder": str(folder / each.folder)}
            for each in recipe.data
        ],
        "regularisation": msgspec.to_builtins(recipe.regularisation)
        | {"folders": [str(folder / each) for each in recipe.regularisation.folders]},
    }
    if isinstance(recipe.from_, str) and (folder / recipe.from_).exists():
        moved["from"] = str(folder / recipe.from_)
    if isinstance(recipe.from_, Start):
        parts = {"config": recipe.from_.config, "vae": recipe.from_.vae}
        there = {
            key: str(folder / value)
            for key, value in parts.items()
            if value and (folder / value).exists()
        }
        moved["from"] = msgspec.to_builtins(recipe.from_) | there
    return moved


def _of_card(name: str, path: Path, cards: Sequence[Path]) -> dict[str, Any]:
    """The training block of a card; captions are judged by the card unless the recipe says so."""
    known = image_cards(cards)
    if name not in known:
        hint = nearest(name, list(known), "cards")
        place = place_of(path, ("extends",))
        raise UserError(f"`extends: {name}` names no card and no .yaml file", place, hint)
    card = image_card(name, cards)
    if card.training == CardTraining():
        place = place_of(path, ("extends",))
        raise UserError(f"card `{name}` does not say how it was trained", place)
    block: dict[str, Any] = msgspec.to_builtins(card.training)
    return {"model": name} | {key: value for key, value in block.items() if key not in _TOLD}


def _override(setting: str) -> dict[str, Any]:
    key, equals, value = setting.partition("=")
    name = f"--set {setting}"
    if not equals or not key.strip():
        raise UserError(f"`{name}` is no `key=value`", "", "--set max_steps=50")
    keys = key.strip().split(".")
    lines = [f"{'  ' * depth}{each}:" for depth, each in enumerate(keys)]
    text = "\n".join(lines) + f" {value}"
    parse_yaml(text, Recipe, name, strict=False)
    return parse_yaml(text, dict[str, Any], name)


def _check(read: Read) -> None:
    """What types cannot say."""
    recipe, place = read.recipe, read.place
    if not recipe.data:
        hint = "data: [{folder: pictures}]"
        raise UserError(f"`{read.path}` names no pictures", place("data"), hint)
    if not recipe.from_:
        hint = "from: a card, a .safetensors file, a diffusers folder, or {config: FOLDER, seed: 0}"
        raise UserError(f"`{read.path}` does not say what to start from", place("from"), hint)
    if recipe.max_steps is None and recipe.epochs is None:
        what = f"`{read.path}` does not say how long to train"
        raise UserError(what, place("max_steps"), "max_steps: 1000, or epochs: 10")
    if recipe.lint is True:
        raise UserError(
            "`lint: true` says not what stops training", place("lint"), "error, warning"
        )
    buckets = recipe.buckets
    if buckets.min > buckets.max:
        what = f"the smallest side of the buckets, {buckets.min}, is above the largest"
        raise UserError(what, place("buckets", "min"), f"buckets.max is {buckets.max}")
    full, mixed = recipe.precision.full, recipe.precision.mixed
    if full != "fp32" and mixed not in ("fp32", full):
        what = f"weights in {full} cannot be calculated with in {mixed}"
        raise UserError(what, place("precision"), f"precision: {{mixed: {full}, full: {full}}}")


def differences(before: Mapping[str, Any], now: Mapping[str, Any], at: str = "") -> list[str]:
    """`key: before -> now` for all that two recipes, as built-in values, say in another way."""
    found = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{at}{key}.")
        elif old != new:
            found.append(f"{at}{key}: {_shown(old)} -> {_shown(new)}")
    return found


def _shown(value: object) -> str:
    return "as usual" if value is None else str(value)


def text_of(path: Path) -> str:
    """The recipe's text as the user wrote it."""
    return read_file(path)
