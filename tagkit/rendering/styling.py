"""A1111's styles: texts by name that are added to a prompt and its negative prompt."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tagkit.documents import named_styles
from tagkit.errors import UserError
from tagkit.rendering.blocks import Negative
from tagkit.typed_yaml import nearest, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_PLACE = "{prompt}"
_WORDS = {"auto": Negative("", "base"), "none": Negative("", "none")}


class Styles:
    """The styles of `styles.csv` files, or of folders that hold such files."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places

    def applied(
        self, names: Iterable[str], prompt: str, negative: str | Negative
    ) -> tuple[str, str | Negative]:
        """Both prompts with the styles added, in their order, as A1111 adds them.

        The card's words come to the negative prompt as they would without styles. Raises
        UserError for a style that there is not.
        """
        against = []
        for name in names:
            texts = self._texts.get(name)
            if texts is None:
                hint = nearest(name, [*self._texts], "styles") if self._texts else self._advice()
                raise UserError(f"there is no style `{name}`", "", hint)
            prompt = _joined(prompt, texts[0])
            against.append(texts[1])
        return prompt, _negative(negative, [text for text in against if text])

    @cached_property
    def _texts(self) -> dict[str, tuple[str, str]]:
        """Prompt and negative prompt of every style."""
        files = [file for place in self._places for file in _files(place)]
        return {
            name: texts
            for file in reversed(files)
            for name, texts in named_styles(read_text(file), str(file)).items()
        }

    def _advice(self) -> str:
        return "name the file in tagkit.yaml: `styles: [styles.csv]`"


def _files(place: Path) -> Iterator[Path]:
    yield from sorted(place.glob("*.csv")) if place.is_dir() else [place]


def _joined(prompt: str, style: str) -> str:
    if _PLACE in style:
        return style.replace(_PLACE, prompt)
    return ", ".join(text for text in (prompt.strip(), style.strip()) if text)


def _negative(negative: str | Negative, styles: Sequence[str]) -> str | Negative:
    if not styles:
        return negative
    negative = _WORDS.get(negative) or Negative(negative) if isinstance(negative, str) else negative
    text = negative.text
    for style in styles:
        text = _joined(text, style)
    return Negative(text, negative.complete)
