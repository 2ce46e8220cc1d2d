"""Text to template, in one pass without recursion on brackets.

What cannot be a template is text: braces without `|` or `$$`, `__` that no name follows. An error
is raised only where a template was begun and is broken.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tagkit.errors import UserError
from tagkit.prompt.templates.tokens import ARGUMENT, ARGUMENT_NAME, TOKEN, WEIGHT
from tagkit.prompt.templates.tree import (
    Assignment,
    Group,
    Node,
    Options,
    Template,
    Variable,
    Wildcard,
    Wrap,
    merged,
    options,
)
from tagkit.spans import LineMap, Span

if TYPE_CHECKING:
    import re

# No prompt means deeper braces, and what is drawn recurses as deep.
MAX_DEPTH = 30

_SPACE = " \t\r\n"


class Source(NamedTuple):
    """A text and the place it has, such as `hair.txt:3`; a prompt has none."""

    text: str
    place: str = ""

    def where(self, offset: int) -> str:
        """The place of a character for an error."""
        position = LineMap(self.text).position(offset)
        return self.place or f"line {position.line}, column {position.column}"


@lru_cache(maxsize=1024)
def read_template(source: Source) -> Template:
    """The template of a text. Raises UserError where one is begun and broken."""
    return _Reader(source, 0, len(source.text)).read()


def split_weight(text: str) -> tuple[float, str]:
    """`0.5::red` is (0.5, `red`); a text without a weight has 1.

    Not so NovelAI's `1.2::red::`, which weighs the words and is left alone.
    """
    found = WEIGHT.match(text)
    return (float(found[1]), text[found.end() :]) if found else (1.0, text)


class _Frame:
    """An open brace and what has been read behind it.

    pipes: indices of the `|` among the nodes; squares: how many there were at each open `[`,
    since the pipes of a finished `[a|b]` part nothing. half: index of the `$$` of `%{ … }`, or -1.
    """

    def __init__(self, found: re.Match[str] | None = None) -> None:
        self.kind = found.lastgroup if found else "root"
        self.opened = found[0] if found else ""
        self.start = found.start() if found else 0
        self.fields: dict[str, str | None] = found.groupdict() if found else {}
        self.separator = found.span("separator") if found else (-1, -1)
        self.nodes: list[Node] = []
        self.pipes: list[int] = []
        self.squares: list[int] = []
        self.half = -1

    @property
    def is_template(self) -> bool:
        """Whether it must be closed, and is no mere text then."""
        if self.kind == "variable":
            return True
        return bool(self.pipes or self.fields.get("range")) or self.half >= 0


class _Reader:
    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._at = start
        self._end = end
        self._frames = [_Frame()]
        self._in_network = False

    @property
    def _top(self) -> _Frame:
        return self._frames[-1]

    def read(self) -> Template:
        text = self._source.text
        while found := TOKEN.search(text, self._at, self._end):
            self._add(text[self._at : found.start()])
            self._at = found.end()
            self._take(found)
        self._add(text[self._at : self._end])
        while len(self._frames) > 1:
            self._give_up()
        return merged(self._top.nodes)

    def _add(self, *nodes: Node) -> None:
        self._top.nodes += nodes

    def _take(self, found: re.Match[str]) -> None:
        match found.lastgroup:
            case "escape":
                self._add(self._unescaped(found[0]))
            case "network":
                self._in_network = True
                self._add(found[0])
            case "variable":
                self._variable(found)
            case "wrap" | "group":
                self._open(found)
            case "wildcard":
                self._wildcard(found)
            case "mark":
                self._mark(found[0])
            case _:
                self._add(found[0])

    def _unescaped(self, escape: str) -> str:
        """Without its backslash, if it would mean something here; `\\(` is A1111's and stays."""
        inert = escape == r"\\" or (escape == r"\|" and len(self._frames) == 1)
        return escape if inert else escape[1:]

    def _open(self, found: re.Match[str]) -> None:
        if len(self._frames) > MAX_DEPTH:
            what = f"braces are nested deeper than {MAX_DEPTH} levels"
            raise UserError(what, self._source.where(found.start()))
        self._frames.append(_Frame(found))

    def _variable(self, found: re.Match[str]) -> None:
        if found["operator"] == "}":
            span = Span(*found.span())
            self._add(Variable(found["variable_name"], None, span))
        else:
            self._open(found)

    def _wildcard(self, found: re.Match[str]) -> None:
        if self._in_network:
            self._add("__")
            self._at = found.start() + 2
            return
        arguments = self._arguments(found) if found["arguments"] else ()
        name = self._part(*found.span("name"))
        self._add(Wildcard(found["wildcard_sampler"], name, arguments, Span(*found.span())))

    def _part(self, start: int, end: int) -> Template:
        return _Reader(self._source, start, end).read()

    def _arguments(self, found: re.Match[str]) -> tuple[Assignment, ...]:
        text = self._source.text
        return tuple(
            self._argument(piece) for piece in ARGUMENT.finditer(text, *found.span("arguments"))
        )

    def _argument(self, piece: re.Match[str]) -> Assignment:
        named = ARGUMENT_NAME.match(piece.string, *piece.span())
        if not named:
            raise UserError(
                f"`{piece[0]}` is no argument of a wildcard",
                self._source.where(piece.start()),
                "write `name=value`",
            )
        end = named.end() + len(piece.string[named.end() : piece.end()].rstrip())
        return Assignment(named[1], self._part(named.end(), end), once=named[2] == "=!")

    def _mark(self, mark: str) -> None:
        top = self._top
        if mark == "}" and len(self._frames) > 1:
            self._close()
            return
        if mark == "|":
            top.pipes.append(len(top.nodes))
        elif mark == "[":
            top.squares.append(len(top.pipes))
        elif mark == "]" and top.squares:
            del top.pipes[top.squares.pop() :]
        elif mark == ">":
            self._in_network = False
        elif mark == "$$" and top.kind == "wrap" and top.half < 0:
            top.half = len(top.nodes)
        self._add(mark)

    def _close(self) -> None:
        frame = self._frames.pop()
        if not frame.is_template:
            self._add(frame.opened, *frame.nodes, "}")
        elif frame.kind == "variable":
            self._add(self._variable_with_value(frame))
        elif frame.half >= 0:
            around, inside = frame.nodes[: frame.half], frame.nodes[frame.half + 1 :]
            self._add(Wrap(_stripped(around), _stripped(inside)))
        else:
            self._add("%" if frame.kind == "wrap" else "", self._group(frame))

    def _give_up(self) -> None:
        """A brace that never closes is text, unless it has begun to be a template."""
        frame = self._frames.pop()
        if frame.is_template:
            raise UserError(
                f"`{frame.opened.rstrip()}` is never closed",
                self._source.where(frame.start),
                r"close it with `}`, or write `\{` for a brace that is text",
            )
        self._add(frame.opened, *frame.nodes)

    def _variable_with_value(self, frame: _Frame) -> Variable | Assignment:
        name, operator = str(frame.fields["variable_name"]), str(frame.fields["operator"])
        value = _stripped(frame.nodes)
        if operator == ":":
            return Variable(name, value, Span(frame.start, self._at))
        return Assignment(name, value, once="!" in operator, keep="?" in operator)

    def _group(self, frame: _Frame) -> Group:
        low, high = _bounds(frame.fields["range"] or "1")
        separator = (",",) if frame.fields["separator"] is None else self._part(*frame.separator)
        sampler = frame.fields["sampler"] or ""
        return Group(sampler, low, high, separator, self._options(frame))

    def _options(self, frame: _Frame) -> Options[Template]:
        """Options with equal texts are one option, as heavy as all of them."""
        weights: dict[tuple[int, Template], float] = {}
        cuts = [-1, *frame.pipes, len(frame.nodes)]
        for start, end in pairwise(cuts):
            weight, template = _weighted(_stripped(frame.nodes[start + 1 : end]))
            is_text = all(isinstance(node, str) for node in template)
            key = (-1 if is_text else start, template)
            weights[key] = weights.get(key, 0) + weight
        found = options((template, weight) for (_, template), weight in weights.items())
        if not found.items:
            raise UserError("every option has the weight 0", self._source.where(frame.start))
        return found


def _stripped(nodes: list[Node]) -> Template:
    """Without the white space at the front; that at the end stays, as in dynamicprompts."""
    template = merged(nodes)
    if template and isinstance(template[0], str):
        return merged((template[0].lstrip(_SPACE), *template[1:]))
    return template


def _weighted(option: Template) -> tuple[float, Template]:
    if not option or not isinstance(option[0], str):
        return 1.0, option
    weight, text = split_weight(option[0])
    return weight, merged((text, *option[1:]))


def _bounds(written: str) -> tuple[int, int]:
    """`2` is (2, 2); `-2` is (1, 2); an open end takes all there are."""
    low, hyphen, high = written.partition("-")
    if not hyphen:
        return int(low), int(low)
    bounds = sorted((int(low or 1), int(high or 10**9)))
    return bounds[0], bounds[1]
