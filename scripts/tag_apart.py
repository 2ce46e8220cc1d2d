"""Tags that contradict one another, after `apart` in `tag_scenes.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ONE = {"1girl", "1boy", "solo"}
SEVERAL = {"2girls", "3girls", "4girls", "5girls", "6+girls", "multiple girls"}
SEVERAL |= {"2boys", "3boys", "4boys", "multiple boys", "couple", "multiple views"}


class Sorted(NamedTuple):
    """Tags that go together, and pairs of one of them and a later tag that contradicts it."""

    kept: list[str]
    clashes: list[tuple[str, str]]


class Apart:
    """Sides of which one picture shows one at most."""

    def __init__(self, settings: Sequence[dict[str, Any]]) -> None:
        self._person = {at for at, each in enumerate(settings) if each.get("person")}
        self._unless = [{*each.get("unless", ())} for each in settings]
        self._places: dict[str, list[tuple[int, int]]] = {}  # numbers of a setting and a side
        for at, each in enumerate(settings):
            sides = each.get("sides") or [[tag] for tag in each["each"]]
            for side, tags in enumerate(sides):
                for tag in tags:
                    self._places.setdefault(tag, []).append((at, side))

    def sort(self, tags: Iterable[str]) -> Sorted:
        """Keeps what contradicts nothing before it. Of several people, much goes together."""
        given = list(dict.fromkeys(tags))
        off = {at for at, unless in enumerate(self._unless) if unless & {*given}}
        off |= self._person if _several(given) else set()
        taken: dict[int, tuple[int, str]] = {}  # number of a setting: the side shown, and by what
        result = Sorted([], [])
        for tag in given:
            places = [(at, side) for at, side in self._places.get(tag, ()) if at not in off]
            shown = [taken[at][1] for at, side in places if at in taken and taken[at][0] != side]
            if shown:
                result.clashes.append((shown[0], tag))
                continue
            result.kept.append(tag)
            for at, side in places:
                taken.setdefault(at, (side, tag))
        return result


def _several(tags: Sequence[str]) -> bool:
    return bool(SEVERAL & {*tags}) or {"1girl", "1boy"} <= {*tags} or not ONE & {*tags}
