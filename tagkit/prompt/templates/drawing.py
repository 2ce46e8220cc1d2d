"""A template written out: one drawn prompt, or all there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate, count, pairwise
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.errors import UserError
from tagkit.prompt.templates.choices import Choices, Every, InTurn, Seeded
from tagkit.prompt.templates.files import Value
from tagkit.prompt.templates.reading import Source, read_template
from tagkit.prompt.templates.tree import (
    Assignment,
    Group,
    Node,
    Options,
    T,
    Template,
    Variable,
    Wildcard,
    Wrap,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.prompt.templates.wildcards import Wildcards

# How deep wildcards, variables and groups may be nested together; the longest prompt; the most
# options of one group that one prompt takes.
MAX_DEPTH = 60
MAX_SIZE = 1_000_000
MAX_PICKS = 1000

# What `%{around ... $$ inside}` may use for the dots, as dynamicprompts knows them.
_DOTS = re.compile("[\u1801\u2026\u22ee\u22ef\u22f0\u22f1\ufe19]+|\\.{3,}")


def draw(text: str, random: Random, wildcards: Wildcards, index: int = 0) -> str:
    """One prompt of a template; the same `random`, wildcards and index give the same prompt.

    index: the image's number from 0; what is chosen in turn (`{@a|b}`) goes by it.
    A text that is no template comes back as it is. Raises UserError where a template is broken,
    a wildcard or a variable is missing, or something is made of itself.
    """
    source = Source(text)
    writer = _Writer(wildcards, Seeded(random), index)
    return writer.prompt(read_template(source), source, Seeded(random))


def draw_all(
    text: str, wildcards: Wildcards, limit: int = 100_000, random: Random | None = None
) -> Iterator[str]:
    """Every prompt of a template, each once; what stands last in the text changes first.

    Weights play no part, except that a weight of 0 leaves out. What asks for chance (`{~a|b}`)
    or for turns (`{@a|b}`) is not multiplied: each prompt takes one of it. `random` is for those;
    by default it is the same at every call. Raises UserError as `draw` does, and when more than
    `limit` combinations would be gone through.
    """
    source = Source(text)
    template = read_template(source)
    chance, every = Seeded(random or Random(0)), Every()
    seen: set[str] = set()
    for index in count():
        if index == limit:
            hint = "draw some of them instead, or raise the limit"
            raise UserError(f"the template has more than {limit:,} combinations", "", hint)
        prompt = _Writer(wildcards, chance, index).prompt(template, source, every)
        if prompt not in seen:
            seen.add(prompt)
            yield prompt
        if not every.advance():
            return


class _Bound(msgspec.Struct, frozen=True, eq=False):
    """A variable's value. Those passed to a wildcard see the variables of where they were written
    (`scope`); others see those of where they are used.
    """

    value: Template
    source: Source
    scope: Mapping[str, _Bound] | None = None


class _Here(NamedTuple):
    """Where writing is: how to choose, what variables are set, which text is read.

    trail: the wildcards and variables it is inside of: how each is written, and what it is.
    """

    choices: Choices
    source: Source
    scope: Mapping[str, _Bound] = MappingProxyType({})
    trail: tuple[tuple[str, object], ...] = ()
    depth: int = 0


class _Writer:
    """Writes one prompt."""

    def __init__(self, wildcards: Wildcards, chance: Choices, index: int) -> None:
        self._wildcards = wildcards
        self._chance = chance
        self._index = index
        self._size = 0

    def prompt(self, template: Template, source: Source, choices: Choices) -> str:
        return self._write(template, _Here(choices, source))

    def _write(self, template: Template, here: _Here) -> str:
        if here.depth > MAX_DEPTH:
            names = " → ".join(name for name, _ in here.trail[:5])
            what = f"templates are nested deeper than {MAX_DEPTH} levels"
            raise UserError(what, here.source.where(0) + (f": {names}" if names else ""))
        here = self._assigned(template, here._replace(depth=here.depth + 1))
        return "".join([self._node(node, here) for node in template])

    def _node(self, node: Node, here: _Here) -> str:
        self._size += len(node) + 1 if isinstance(node, str) else 1
        if self._size > MAX_SIZE:
            raise UserError(f"the template grows beyond {MAX_SIZE:,} characters")
        match node:
            case str():
                return node
            case Group():
                return self._group(node, here)
            case Wildcard():
                values, inside = self._entered(node, here)
                return self._value(values.items[inside.choices.pick(values.totals)], inside)
            case Variable():
                return self._variable(node, here)
            case Wrap():
                return self._wrap(node, here)
            case Assignment():
                return ""

    def _group(self, group: Group, here: _Here) -> str:
        here = here._replace(choices=self._choices(group.sampler, here))
        items: Options[Template | Value] = group.options
        match group.options.items:
            case ((Wildcard() as only,),):  # `{2$$__color__}` picks from the values
                items, here = self._entered(only, here)
        low, high = (min(bound, len(items.items)) for bound in (group.low, group.high))
        if high > MAX_PICKS:
            what = f"a group may take up to {high:,} options; {MAX_PICKS:,} is the most"
            raise UserError(what, here.source.place)
        number = low + here.choices.pick(range(1, high - low + 2))
        separator = self._write(group.separator, here)
        picked = _picked(items, number, here.choices)
        return _joined(separator, [self._item(item, here) for item in picked])

    def _item(self, item: Template | Value, here: _Here) -> str:
        return self._value(item, here) if isinstance(item, Value) else self._write(item, here)

    def _value(self, value: Value, here: _Here) -> str:
        source = Source(value.text, value.where)
        return self._write(read_template(source), here._replace(source=source))

    def _entered(self, wildcard: Wildcard, here: _Here) -> tuple[Options[Value], _Here]:
        """The values of a wildcard, and the way to write one of them."""
        name = self._write(wildcard.name, here)
        values = self._wildcards.find(name)
        if values is None or not values.items:
            raise self._wildcards.failure(name, here.source.where(wildcard.span.start))
        scope = dict(here.scope)
        for argument in wildcard.arguments:
            scope[argument.name] = self._bound(argument, here, here.scope)
        inside = _on_the_way(f"__{name}__", name, here)
        choices = self._choices(wildcard.sampler, here)
        return values, inside._replace(scope=scope, choices=choices)

    def _variable(self, variable: Variable, here: _Here) -> str:
        bound = here.scope.get(variable.name)
        if bound is not None:
            inside = _on_the_way(f"${{{variable.name}}}", bound, here)
            scope = here.scope if bound.scope is None else bound.scope
            return self._write(bound.value, inside._replace(scope=scope, source=bound.source))
        if variable.default is not None:
            return self._write(variable.default, here)
        raise UserError(
            f"the variable `{variable.name}` is not set",
            here.source.where(variable.span.start),
            f"set it with `${{{variable.name}=…}}` or give a default: `${{{variable.name}:…}}`",
        )

    def _assigned(self, template: Template, here: _Here) -> _Here:
        """With the variables that the template sets; they count for all of it."""
        assignments = [node for node in template if isinstance(node, Assignment)]
        if not assignments:
            return here
        scope = dict(here.scope)
        here = here._replace(scope=scope)
        for each in assignments:
            if not (each.keep and each.name in scope):
                scope[each.name] = self._bound(each, here)
        return here

    def _bound(
        self, assignment: Assignment, here: _Here, scope: Mapping[str, _Bound] | None = None
    ) -> _Bound:
        if assignment.once:
            return _Bound((self._write(assignment.value, here),), here.source)
        return _Bound(assignment.value, here.source, scope)

    def _wrap(self, wrap: Wrap, here: _Here) -> str:
        around = self._write(wrap.around, here)
        inside = self._write(wrap.inside, here)
        dots = _DOTS.search(around)
        return around[: dots.start()] + inside + around[dots.end() :] if dots else around + inside

    def _choices(self, sampler: str, here: _Here) -> Choices:
        """`!` needs nothing: where all are wanted they are enumerated, elsewhere drawn."""
        match sampler:
            case "~":
                return self._chance
            case "@":
                return InTurn(self._index)
            case _:
                return here.choices


def _on_the_way(written: str, what: object, here: _Here) -> _Here:
    """One step further in. Raises UserError if `what` is on the way already."""
    if any(each == what for _, each in here.trail):
        circle = " → ".join([*(name for name, _ in here.trail), written])
        raise UserError(f"`{written}` is made of itself", circle, "break the circle")
    return here._replace(trail=(*here.trail, (written, what)))


def _picked(options: Options[T], number: int, choices: Choices) -> list[T]:
    """That many different options, in the order in which they are chosen."""
    if number == 1:
        return [options.items[choices.pick(options.totals)]]
    items = list(options.items)
    weights = [end - start for start, end in pairwise((0.0, *options.totals))]
    picked = []
    for _ in range(number):
        index = choices.pick(list(accumulate(weights)))
        picked.append(items.pop(index))
        del weights[index]
    return picked


def _joined(separator: str, texts: list[str]) -> str:
    """Each text once, with no separator at the ends, where an option may be empty."""
    distinct = list(dict.fromkeys(texts))
    if len(distinct) < 2:
        return "".join(distinct)
    return separator.join(distinct).removeprefix(separator).removesuffix(separator)
