"""The grammars of the dialects, as data for one lexer and one parser.

a1111     stable-diffusion-webui and its forks: `(x:1.2)`, `[x]`, `[a:b:n]`, `[a|b]`, BREAK, AND
comfyui   ComfyUI: `(x:1.2)` whose number replaces what stands around it; `[x]` is text
novelai   NovelAI: `{x}`, `[x]`, and `1.2::x::` since V4; round brackets are text. A line beginning
          with `char1:` is that character's prompt, for which NovelAI has a field of its own
compel    compel and InvokeAI: `word++`, `(x)1.2`; a bracket without a number weighs nothing
caption   no program's prompt, but what a model is trained on: tags, commas, and `|||` of sd-scripts
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tagkit.prompt.names import EMOTICONS

if TYPE_CHECKING:
    from collections.abc import Mapping


class Grammar(NamedTuple):
    """What the lexer and the parser need to know of a dialect.

    tokens: a pattern of alternatives named by token kind; together they match any text. factors:
    what a kind of bracket multiplies weights by. replaces: a written number is the weight, whatever
    stands around it. keywords: BREAK and AND part sections. schedules: `[a:b:n]`, `[a|b]` choose.
    suffixes: `word++` weighs.
    """

    name: str
    tokens: str
    factors: Mapping[str, float]
    replaces: bool = False
    keywords: bool = False
    schedules: bool = False
    suffixes: bool = False


@cache
def token_pattern(grammar_name: str) -> re.Pattern[str]:
    """The compiled tokens of a dialect; most processes need one dialect only."""
    return re.compile(GRAMMARS[grammar_name].tokens, re.VERBOSE | re.DOTALL)


_EMOTICON = "|".join(re.escape(each) for each in sorted(EMOTICONS, key=len, reverse=True))
_NETWORK = r"<\w+:[^>]+>"
_WILDCARD = r"__[~@!]?(?:[^\W_]|\*)[\w*./\- ]*?(?:\([^()\n]*\))?__"
_WORD = r"""[^\s,()"\\+-]+"""
_SEPARATORS = r"(?P<comma> , ) | (?P<newline> \r\n|\n|\r )"
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"


def _emoticon(brackets: str) -> str:
    """An emoticon that is a whole segment; `brackets` end one too."""
    start, end = re.escape(brackets[::2]), re.escape(brackets[1::2])
    return (
        rf"(?P<emoticon> (?<![^\s,{start}|]) [^\S\r\n]* (?:{_EMOTICON})"
        rf" (?= \s* (?:[,\r\n|{end}]|$) ) )"
    )


A1111 = Grammar(
    "a1111",
    "|".join(
        (
            r"(?P<comment> \#[^\n]* )",
            _emoticon("()[]{}"),
            r"(?P<escape> \\. | \\ )",
            rf"(?P<network> {_NETWORK} )",
            r'(?P<quoted> "[^"\n]*" )',
            rf"(?P<wildcard> {_WILDCARD} )",
            r"(?P<weight> :\s*[+-]?[.\d]+\s*\) )",
            r"(?P<open> [(\[{] ) | (?P<close> [)\]}] )",
            _SEPARATORS,
            r"(?P<pipe> \| ) | (?P<colon> : )",
            r'(?P<text> (?: [^\\(){}\[\]<|:,\r\n\#"_]+ | _(?!_) )+ | . )',
        )
    ),
    {"emphasis": 1.1, "deemphasis": 1 / 1.1, "braces": 1.0},
    keywords=True,
    schedules=True,
)

COMFYUI = Grammar(
    "comfyui",
    "|".join(
        (
            r"(?P<comment> //[^\n]* | /\*.*?\*/ )",
            _emoticon("(){}"),
            r"(?P<escape> \\[(){}] )",
            rf"(?P<network> {_NETWORK} )",
            rf"(?P<wildcard> {_WILDCARD} )",
            r"(?P<weight> :\s*[+-]?[.\d]+\s*\) )",
            r"(?P<open> [({] ) | (?P<close> [)}] )",
            _SEPARATORS,
            r"(?P<pipe> \| )",
            r"(?P<text> (?: [^\\(){}<|:,\r\n_/]+ | _(?!_) | /(?![/*]) )+ | . )",
        )
    ),
    {"emphasis": 1.1, "braces": 1.0},
    replaces=True,
)

NOVELAI = Grammar(
    "novelai",
    "|".join(
        (
            r"(?P<character> (?<![^\r\n]) [^\S\r\n]* char\d+ [^\S\r\n]* [:：] )",
            _emoticon("[]{}"),
            rf"(?P<number> (?<![\w.]){NUMBER}:: )",
            r"(?P<end> :: )",
            r"(?P<open> [\[{] ) | (?P<close> [\]}] )",
            _SEPARATORS,
            r"(?P<text> [^{}\[\]:,\r\n\d.+-]+ | . )",
        )
    ),
    {"braces": 1.05, "deemphasis": 1 / 1.05},
)

COMPEL = Grammar(
    "compel",
    "|".join(
        (
            r"(?P<escape> \\. )",
            rf'(?P<phrase> "(?:[^"\\\n]|\\.)*"(?: {NUMBER} | \++ | -+ )? )',
            r"(?P<open> \( )",
            rf"(?P<close> \)(?: {NUMBER} | \++ | -+ )? )",
            rf"(?P<boosted> (?<![^\s,(]) {_WORD} (?: [+-]+ {_WORD} )* (?:\++|-+) (?=[\s,)]|$) )",
            _SEPARATORS,
            r'(?P<text> [^\\()",\s]+ | [^\S\r\n]+ | . )',
        )
    ),
    {"emphasis": 1.0},
    suffixes=True,
)

CAPTION = Grammar(
    "caption",
    "|".join(
        (
            _SEPARATORS,
            r"(?P<separator> \|\|\| )",
            r"(?P<text> (?: [^,\r\n|]+ | \|(?!\|\|) )+ | . )",
        )
    ),
    {},
)

GRAMMARS: Mapping[str, Grammar] = {
    grammar.name: grammar for grammar in (A1111, COMFYUI, NOVELAI, COMPEL, CAPTION)
}
