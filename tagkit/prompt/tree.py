"""The lossless prompt tree: sections, segments, brackets and tags, with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator


class Node(msgspec.Struct, frozen=True, gc=False):
    """Anything of the tree that covers a part of the text."""

    span: Span


class Tag(msgspec.Struct, frozen=True, gc=False):
    """One tag.

    name: canonical spelling. weight: effective, brackets multiplied. span: the text as written,
    brackets and weight left out. section: index of its section. choices: (choice id,
    option) of every alternative that it stands in, outermost first. whole: nothing else stands
    between the commas around it, but for brackets; in `miku (append)` neither part is.
    """

    name: str
    weight: float
    span: Span
    section: int = 0
    choices: tuple[tuple[int, int], ...] = ()
    whole: bool = True

    @property
    def is_asked_for(self) -> bool:
        """Whether it weighs something: with `-1::tag::` a prompt asks for less of it."""
        return self.weight > 0

    def meets(self, other: Tag) -> bool:
        """Whether some reading of the prompt has both: same section, no two options of a choice."""
        if self.section != other.section:
            return False
        if not self.choices or not other.choices:
            return True
        mine = dict(self.choices)
        return all(mine.get(choice, option) == option for choice, option in other.choices)


class Text(Node, frozen=True, gc=False):
    """A run of plain text, trimmed; `tag` is what it says."""

    tag: Tag


class Stray(Node, frozen=True, gc=False):
    """A bracket without a partner."""


class Break(Node, frozen=True, gc=False):
    """BREAK, AND or `char1:` inside brackets, where it does not part sections."""


class Network(Node, frozen=True, gc=False):
    """An extra network such as `<lora:name:0.8>`; `args` as written."""

    kind: str
    name: str
    args: tuple[str, ...]

    @property
    def weights(self) -> tuple[float, float]:
        """Of the text encoder and of the UNet, as A1111 reads up to four arguments.

        `<lora:name:te:unet:dyn>`, each also by name (`unet=0.5`); the second is the first unless
        it is said. Raises ValueError for an argument that is no number.
        """
        named = dict(each.split("=", 1) for each in self.args if "=" in each)
        placed = [each for each in self.args if "=" not in each]
        text_encoder = float(named.get("te", placed[0] if placed else 1.0))
        unet = named.get("unet", placed[1] if len(placed) > 1 else text_encoder)
        return text_encoder, float(unet)


class Wildcard(Node, frozen=True, gc=False):
    """A wildcard such as `__place__`."""

    name: str


class Segment(Node, frozen=True, gc=False):
    """What stands between two commas or line ends; never empty."""

    nodes: tuple[Node, ...]
    tags: tuple[Tag, ...]


class Bracket(Node, frozen=True, gc=False):
    """A bracket that weighs, as the dialect has it; braces without options too.

    kind: emphasis `( )`, deemphasis `[ ]`, braces `{ }` or numbered `1.2:: ::`. number: span of a
    written weight, blanks left out. factor: what it multiplies weights by. inner: the text between
    the brackets.
    """

    kind: str
    segments: tuple[Segment, ...]
    inner: Span
    factor: float
    number: Span | None = None


class Choice(Node, frozen=True, gc=False):
    """Alternatives: schedule `[a:b:n]`, alternate `[a|b]` or variants `{a|b}`."""

    kind: str
    options: tuple[tuple[Segment, ...], ...]


class Section(Node, frozen=True, gc=False):
    """What stands between BREAK or AND at top level, or is the prompt of one character."""

    segments: tuple[Segment, ...]


class Prompt(msgspec.Struct, frozen=True):
    """A prompt as written (`str(prompt)` is the text) and as understood.

    tags: all of them, in the order of the text. grammar: every node that is neither a section, a
    segment nor plain text; a prompt of plain tags has none.
    """

    text: str
    dialect: str
    sections: tuple[Section, ...]
    tags: tuple[Tag, ...]
    grammar: tuple[Node, ...]

    def __str__(self) -> str:
        return self.text

    def nodes(self) -> Iterator[Node]:
        """Every node, parents before children, in the order of the text."""
        for section in self.sections:
            yield section
            for segment in section.segments:
                yield from _nodes(segment)

    @property
    def networks(self) -> tuple[Network, ...]:
        """All extra networks of the prompt."""
        return tuple(node for node in self.grammar if isinstance(node, Network))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Segment):
        children: tuple[Node, ...] = node.nodes
    elif isinstance(node, Bracket):
        children = node.segments
    elif isinstance(node, Choice):
        children = tuple(segment for option in node.options for segment in option)
    else:
        return
    for child in children:
        yield from _nodes(child)
