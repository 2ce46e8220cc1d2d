"""Punctuation that CLIP or the prompt's grammar does not read as it is meant."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding, apply_edits
from tagkit.linting.editing import protected_spans
from tagkit.linting.matchers.brackets import errors_of_brackets
from tagkit.linting.matchers.weights import errors_of_weights
from tagkit.prompt import Bracket, canonical, parse
from tagkit.prompt.grammars import GRAMMARS
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt

_LINE_END = r"(?![^\S\r\n]*(?:[,\r\n#]|\Z))"
_EMPTY = re.compile(
    rf",(?P<doubled>(?:[ \t]*,)+){_LINE_END}"
    # What begins a line of another meaning must not come to stand at the beginning of one.
    r"|\A(?P<leading>[ \t]*(?:,[ \t]*)+)(?=[\w(\[{\"'])(?!(?:BREAK|AND)\b|Steps:|Negative prompt:)"
    r"|(?<=\S)(?P<blanks>[ ]{2,})(?=[^\s#])"
)
_REPLACED = {"doubled": "", "leading": "", "blanks": " "}

# Each fix is tried before it is offered; a text of more marks is none that wants to be Latin.
_MOST_TRIED = 100
_FULL_WIDTH = re.compile(
    r"（(?P<inner>[^（）\r\n]*)）|[ \t]*(?P<comma>[，、])[ \t]*|(?P<other>[（）：])"
)
# Quotes that no grammar knows, for people they are quotes all the same.
_QUOTES = re.compile(r"“[^“”\r\n]*”|「[^「」\r\n]*」|『[^『』\r\n]*』|«[^«»\r\n]*»")
_COLONS = re.compile(r"[:：]{2}")
_WEIGHT = re.compile(r"：(?=\s*[+-]?[.\d]+\s*$)")
_PLAIN = str.maketrans("（）：", "():")


def empty_segments(context: Context, rule: Rule) -> Iterator[Finding]:
    """Doubled commas, a comma in front of everything, doubled spaces; none of them at line ends."""
    for where, prompt in context.prompts(rule):
        text = prompt.text
        if not ("  " in text or ",," in text or ", ," in text or text.lstrip()[:1] == ","):
            continue
        kept = protected_spans(prompt)
        for found in _EMPTY.finditer(text):
            variant = str(found.lastgroup)
            span = Span(*found.span(variant))
            if not _overlaps(span, kept):
                edit = Edit(span, _REPLACED[variant])
                yield Finding(where, span, {}, variant, (edit,))


def full_width_punctuation(context: Context, rule: Rule) -> Iterator[Finding]:
    """Full-width commas, brackets and colons between words of Latin script.

    Those of known names, of quotes and of prose in other scripts are right as they are. There is
    no fix where a mark would come to mean something that is wrong, as a bracket without a partner.
    """
    for where, prompt in context.prompts(rule):
        if prompt.text.isascii() or not _FULL_WIDTH.search(prompt.text):
            continue
        quotes = (Span(*found.span()) for found in _QUOTES.finditer(prompt.text))
        kept = [*protected_spans(prompt), *_named(prompt, context), *quotes]
        before = _errors(prompt, where, context)
        marked = [
            found
            for found in _FULL_WIDTH.finditer(prompt.text)
            if not _overlaps(Span(*found.span()), kept) and not _is_prose(found)
        ]
        for found in marked:
            edits = _plain(found, prompt, context) if len(marked) <= _MOST_TRIED else []
            if edits:
                after = parse(apply_edits(prompt.text, edits), prompt.dialect)
                edits = [] if _errors(after, where, context) > before else edits
            meant = "".join(prompt.text[each.span.start : each.span.end] for each in edits)
            marks = "".join(re.findall(r"[，、（）：]", meant or found[0]))
            span = Span(*found.span("comma" if found["comma"] else 0))
            yield Finding(where, span, {"marks": marks}, edits=tuple(edits))


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _named(prompt: Prompt, context: Context) -> Iterator[Span]:
    """Segments that are known names as they are."""
    for section in prompt.sections:
        for segment in section.segments:
            text = prompt.text[segment.span.start : segment.span.end]
            if _FULL_WIDTH.search(text) and context.knowledge.lexicon.find(canonical(text)):
                yield segment.span


def _is_prose(found: re.Match[str]) -> bool:
    """Whether the mark stands among words of another script than Latin."""
    inner = found["inner"]
    if inner is not None:
        before = found.string[: found.start()].rstrip()[-1:]
        return _is_foreign(before) or not any(_is_latin(char) for char in inner)
    around = (found.string[: found.start()].rstrip()[-1:], found.string[found.end() :].lstrip()[:1])
    return any(map(_is_foreign, around))


def _is_latin(char: str) -> bool:
    return char.isalnum() and (
        char.isascii() or "LATIN" in unicodedata.name(char, "") or char.isdigit()
    )


def _is_foreign(char: str) -> bool:
    return char.isalpha() and not _is_latin(char)


def _plain(found: re.Match[str], prompt: Prompt, context: Context) -> list[Edit]:
    """Edits to the plain marks; none where that would be a guess."""
    span = Span(*found.span())
    if found["comma"]:
        at = found.start("comma")
        if prompt.text[at - 1 : at].isdigit() and prompt.text[at + 1 : at + 2].isdigit():
            return []
        is_last = prompt.text[span.end : span.end + 1] in ("", "\r", "\n")
        return [Edit(span, "," if is_last else ", ")]
    if found["inner"] is None:
        if _is_in_square(span, prompt) or _COLONS.search(
            prompt.text, max(span.start - 1, 0), span.end + 1
        ):
            return []
        return [Edit(span, found[0].translate(_PLAIN))]
    opening, closing = "(", ")"
    if _is_name(span, prompt, context):  # names have a blank in front of a bracket
        escape = "\\" if "emphasis" in GRAMMARS[prompt.dialect].factors else ""
        blank = "" if prompt.text[span.start - 1].isspace() else " "
        opening, closing = f"{blank}{escape}(", f"{escape})"
    colon = _WEIGHT.search(found["inner"])
    at = found.start("inner") + colon.start() if colon else 0
    return [
        Edit(Span(span.start, span.start + 1), opening),
        *([Edit(Span(at, at + 1), ":")] if colon else []),
        Edit(Span(span.end - 1, span.end), closing),
    ]


def _is_in_square(span: Span, prompt: Prompt) -> bool:
    """Whether a colon there could make a schedule of a bracket."""
    brackets = (node for node in prompt.grammar if isinstance(node, Bracket))
    return any(
        node.kind == "deemphasis" and node.span.start <= span.start < node.span.end
        for node in brackets
    )


def _is_name(span: Span, prompt: Prompt, context: Context) -> bool:
    """Whether the bracket is a part of a known name."""
    for section in prompt.sections:
        for segment in section.segments:
            if segment.span.start <= span.start and span.end <= segment.span.end:
                text = prompt.text[segment.span.start : segment.span.end].replace("（", " （")
                name = canonical(text.translate(_PLAIN))
                return span.start > 0 and context.knowledge.lexicon.find(name) is not None
    return False


def _errors(prompt: Prompt, where: Where, context: Context) -> int:
    """Bracket and weight errors of a prompt."""
    brackets = sum(1 for _ in errors_of_brackets(prompt, where))
    return brackets + sum(1 for _ in errors_of_weights(prompt, where, context))
