from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tagkit.prompt.grammars import GRAMMARS
from tagkit.prompt.parser import _Parser, parsed
from tagkit.prompt.plain import is_plain

PLAIN = st.text("ab1 ,,.'!?&@%^~$;=_-", max_size=40)
DIALECTS = st.sampled_from(sorted(GRAMMARS))


@given(PLAIN, DIALECTS)
def test_a_plain_prompt_has_the_tree_that_the_parser_gives(text: str, dialect: str) -> None:
    assert parsed(text, dialect) == _Parser(text, GRAMMARS[dialect]).prompt()


def test_what_could_be_grammar_is_not_plain() -> None:
    for text in ("a BREAK b", "a AND b", "__place__", "(a", "a:1.2", "a|b", "a # b", "a\nb", "é"):
        assert not is_plain(text)
    assert is_plain("1girl, long hair, ^_^")
