"""Tokens to tree."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from tagkit.prompt.compel import split_suffix, suffix_factor
from tagkit.prompt.grammars import GRAMMARS, Grammar
from tagkit.prompt.lexer import Pair, Token, paired, tokens_of
from tagkit.prompt.names import canonical
from tagkit.prompt.plain import is_plain, plain_prompt
from tagkit.prompt.tree import (
    Bracket,
    Break,
    Choice,
    Network,
    Node,
    Prompt,
    Section,
    Segment,
    Stray,
    Tag,
    Text,
    Wildcard,
)
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = frozenset({"text", "escape", "quoted", "colon", "pipe", "emoticon"})
_ENDS = frozenset({"comma", "newline", "comment", "separator"})
_PARTS = frozenset({"break", "and", "character"})
_CHOICES = frozenset({"schedule", "alternate", "variants"})


@lru_cache(maxsize=256)
def parsed(text: str, dialect: str) -> Prompt:
    """The tree of a prompt. Odd text never fails: what has no meaning stays text.

    Negative prompts recur from image to image, so the last few hundred trees are kept.
    """
    grammar = GRAMMARS[dialect]
    if not grammar.suffixes and is_plain(text):
        return plain_prompt(text, dialect)
    return _Parser(text, grammar).prompt()


class _Parser:
    """One pass over the tokens; brackets were paired before, so every branch is decided."""

    def __init__(self, text: str, grammar: Grammar) -> None:
        self.text = text
        self.grammar = grammar
        self.tokens = tokens_of(text, grammar)
        self.pairs = paired(self.tokens, text, grammar)
        self.tags: list[Tag] = []
        self.grammar_nodes: list[Node] = []
        self.section = 0
        self.choices: tuple[tuple[int, int], ...] = ()
        self.choice_count = 0
        self.beside_text = False

    def prompt(self) -> Prompt:
        sections = []
        for index, (first, last) in enumerate(self._section_bounds()):
            self.section = index
            start = self.tokens[first].start if first < last else len(self.text)
            end = self.tokens[last - 1].end if first < last else start
            sections.append(Section(Span(start, end), self._segments(first, last, 1.0)))
        found = tuple(sorted(self.grammar_nodes, key=lambda node: node.span))
        return Prompt(self.text, self.grammar.name, tuple(sections), tuple(self.tags), found)

    def _section_bounds(self) -> Iterator[tuple[int, int]]:
        first = index = 0
        while index < len(self.tokens):
            if self.tokens[index].kind in _PARTS:
                yield first, index
                first = index + 1
            pair = self.pairs.get(index)
            index = pair.close + 1 if pair else index + 1
        yield first, len(self.tokens)

    def _segments(self, first: int, last: int, weight: float) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        start = first
        index = first
        while index < last:
            if self.tokens[index].kind in _ENDS:
                segments += self._segment(start, index, weight)
                start = index + 1
            pair = self.pairs.get(index)
            index = pair.close + 1 if pair else index + 1
        segments += self._segment(start, last, weight)
        return tuple(segments)

    def _segment(self, first: int, last: int, weight: float) -> list[Segment]:
        """The segment of these tokens; none if they are blank."""
        if last - first == 1 and self.tokens[first].kind in _PLAIN:
            return self._text_segment(self.tokens[first], weight)
        known = len(self.tags)
        alone = not self.beside_text and self._is_one_text(first, last)
        outer, self.beside_text = self.beside_text, self.beside_text or self._has_text(first, last)
        nodes: list[Node] = []
        index = first
        while index < last:
            index = self._node(index, last, weight, alone, nodes)
        self.beside_text = outer
        if not nodes:
            return []
        span = Span(nodes[0].span.start, nodes[-1].span.end)
        return [Segment(span, tuple(nodes), tuple(self.tags[known:]))]

    def _text_segment(self, token: Token, weight: float) -> list[Segment]:
        """The same of a single token of text, which most segments are."""
        nodes = self._text(token.start, token.end, weight, not self.beside_text)
        return [Segment(node.span, (node,), (node.tag,)) for node in nodes]

    def _is_one_text(self, first: int, last: int) -> bool:
        return all(self.tokens[index].kind in _PLAIN for index in range(first, last))

    def _has_text(self, first: int, last: int) -> bool:
        """Whether some of these tokens are text that stands in no bracket of theirs."""
        index = first
        while index < last:
            token, pair = self.tokens[index], self.pairs.get(index)
            if not pair and token.kind in _PLAIN and self.text[token.start : token.end].strip():
                return True
            index = pair.close + 1 if pair else index + 1
        return False

    def _node(self, index: int, last: int, weight: float, alone: bool, nodes: list[Node]) -> int:
        """Appends the node that begins at token `index`; returns the index behind it."""
        token = self.tokens[index]
        pair = self.pairs.get(index)
        if pair:
            nodes.append(self._bracket(index, pair, weight))
            self.grammar_nodes.append(nodes[-1])
            return pair.close + 1
        if token.kind in _PLAIN:
            end = index + 1
            while end < last and self.tokens[end].kind in _PLAIN:
                end += 1
            nodes += self._text(token.start, self.tokens[end - 1].end, weight, alone)
            return end
        if token.kind in ("boosted", "phrase"):
            word, suffix = split_suffix(self.text[token.start : token.end])
            quotes = token.kind == "phrase"
            start, end = token.start + quotes, token.start + len(word) - quotes
            nodes += self._text(start, end, weight * suffix_factor(suffix), alone)
            return index + 1
        nodes.append(self._mark(token))
        self.grammar_nodes.append(nodes[-1])
        return index + 1

    def _mark(self, token: Token) -> Node:
        """What a token that is neither text nor half of a bracket means."""
        span = Span(token.start, token.end)
        if token.kind == "network":
            kind, name, *args = self.text[token.start + 1 : token.end - 1].split(":")
            return Network(span, kind, name.strip(), tuple(args))
        if token.kind == "wildcard":
            return Wildcard(span, self.text[token.start + 2 : token.end - 2])
        return Break(span) if token.kind in _PARTS else Stray(span)

    def _text(self, start: int, end: int, weight: float, alone: bool) -> list[Text]:
        raw = self.text[start:end]
        trimmed = raw.strip()
        if not trimmed:
            return []
        start += len(raw) - len(raw.lstrip())
        span = Span(start, start + len(trimmed))
        tag = Tag(canonical(trimmed), weight, span, self.section, self.choices, alone)
        self.tags.append(tag)
        return [Text(span, tag)]

    def _bracket(self, index: int, pair: Pair, weight: float) -> Node:
        opening, closing = self.tokens[index], self.tokens[pair.close]
        span = Span(opening.start, closing.end)
        if pair.kind in _CHOICES:
            return Choice(span, pair.kind, tuple(self._options(index, pair, weight)))
        number = self._number(opening, closing)
        factor = self.grammar.factors[pair.kind] if number is None else self._value(number)
        end = closing.start if closing.kind != "emoticon" else closing.end - 1
        inner_weight = factor if number and self.grammar.replaces else weight * factor
        segments = self._segments(index + 1, pair.close, inner_weight)
        return Bracket(span, pair.kind, segments, Span(opening.end, end), factor, number)

    def _options(self, index: int, pair: Pair, weight: float) -> Iterator[tuple[Segment, ...]]:
        """Segments of each option; `[b:n]` has an empty one in front of `b`."""
        outer, choice = self.choices, self.choice_count
        self.choice_count += 1
        cuts = [index, *pair.cuts]
        if pair.kind != "schedule":
            cuts.append(pair.close)
        elif len(pair.cuts) == 1:
            yield ()
        for option, (before, behind) in enumerate(pairwise(cuts)):
            self.choices = (*outer, (choice, option))
            yield self._segments(before + 1, behind, weight)
        self.choices = outer

    def _number(self, opening: Token, closing: Token) -> Span | None:
        """Where a bracket's weight is written: `:1.2)`, `1.2::`, `)1.2` or `)++`."""
        if opening.kind == "number":
            return self._trimmed(opening.start, opening.end - 2)
        if closing.kind == "weight":
            return self._trimmed(closing.start + 1, closing.end - 1)
        if closing.kind == "close" and closing.end - closing.start > 1:
            return Span(closing.start + 1, closing.end)
        return None

    def _trimmed(self, start: int, end: int) -> Span:
        raw = self.text[start:end]
        start += len(raw) - len(raw.lstrip())
        return Span(start, start + len(raw.strip()))

    def _value(self, number: Span) -> float:
        """The weight that is written there; nonsense counts as 1."""
        try:
            return suffix_factor(self.text[number.start : number.end])
        except ValueError:
            return 1.0
