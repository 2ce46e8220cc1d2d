"""What in a text may belong to a template. All else is literal."""

from __future__ import annotations

import re

from tagkit.prompt.names import EMOTICONS

# Tags that hold a pipe or an open brace. `:}` is none of them: a brace that closes counts more.
_FACES = sorted((each for each in EMOTICONS if re.search(r"[|{]", each)), key=len, reverse=True)

_VARIABLE = r"[A-Za-z_-][A-Za-z0-9_-]*"
_SAMPLER = r"(?: [~@!] (?= \s* (?: [^\W_] | __ | [({\[<$%\\.-] ) ) )?"
_BRACED = r"\$? \{ [^{}]* \}"

TOKEN = re.compile(
    rf"""
      (?P<face> (?<! [^\s,(\[{{|] ) (?: {"|".join(map(re.escape, _FACES))} )
                (?= \s* (?: [,\r\n|)\]}}] | $ ) ) )
    | (?P<escape> \\ (?: [\\{{}}|] | __ ) )
    | (?P<network> < \w+ : (?= [^<>]* > ) )
    | (?P<variable> \$ \{{ \s* (?P<variable_name> {_VARIABLE} ) \s*
                    (?P<operator> \}} | : | \??=!? ) )
    | (?P<wrap> % \{{ )
    | (?P<group> \{{ \s* (?P<sampler> {_SAMPLER} ) \s*
                 (?: (?P<range> \d{{1,9}} - \d{{1,9}} | - \d{{1,9}} | \d{{1,9}} -? ) \$\$
                     (?: (?P<separator> (?: {_BRACED} | [^${{}}] )* ) \$\$ )? )? )
    | (?P<wildcard> __ (?P<wildcard_sampler> {_SAMPLER} )
                    (?P<name> (?= [^\W_] | [*{{] | \$\{{ )
                              (?: {_BRACED} | (?!__) [\w*./\-\ ] )+ )
                    (?: \( (?P<arguments> [^()\n]* ) \) )? __ )
    | (?P<mark> [|\[\]}}>] | \$\$ )
    """,
    re.VERBOSE,
)
# One of `a=1, b={x,y}`, and its name.
ARGUMENT = re.compile(r"(?: \{ [^{}]* \} | [^,] )+", re.VERBOSE)
ARGUMENT_NAME = re.compile(rf"\s* ({_VARIABLE}) \s* (=!?) \s*", re.VERBOSE)

# `1.2::red::` is NovelAI's way to weigh words, no weight of an option.
WEIGHT = re.compile(
    r"[ \t\r\n]* (\d{1,9} (?: \. \d{0,9} )? | \.\d{1,9} ) [ \t]* :: (?! .* ::)",
    re.VERBOSE | re.DOTALL,
)
