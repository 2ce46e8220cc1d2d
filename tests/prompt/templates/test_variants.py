"""What variants and variables mean, and what is left alone."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.errors import UserError
from tagkit.prompt.templates import Wildcards, draw, draw_all, is_template

NONE = Wildcards()
PIECES = [*"{}|$%_[]()<>:\\,.~@! \n1a#", "__", "$$", "${x=", "::", "|_|"]
ANY_TEXT = st.lists(st.sampled_from(PIECES)).map("".join) | st.text()

ONE_OF_EACH = [
    ("{a|b}", ["a", "b"]),
    ("x {a|b} y", ["x a y", "x b y"]),
    ("{a|}", ["a", ""]),
    ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
    ("{a|{b|c} {d|e}}", ["a", "b d", "b e", "c d", "c e"]),
    ("{ a| b}", ["a", "b"]),
    ("{a|a|b}", ["a", "b"]),
    ("a,  {b|c}\r\n d", ["a,  b\r\n d", "a,  c\r\n d"]),
    ("{1girl, (smile:1.2)|2girls}", ["1girl, (smile:1.2)", "2girls"]),
    ("<lora:{a|b}:{0.5|1}>", ["<lora:a:0.5>", "<lora:a:1>", "<lora:b:0.5>", "<lora:b:1>"]),
]
PICKS = [
    ("{2$$a|b|c}", ["a,b", "a,c", "b,a", "b,c", "c,a", "c,b"]),
    ("{2$$, $$a|b}", ["a, b", "b, a"]),
    ("{1-2$$ and $$a|b}", ["a", "b", "a and b", "b and a"]),
    ("{2-1$$ and $$a|b}", ["a", "b", "a and b", "b and a"]),
    ("{-2$$a|b}", ["a", "b", "a,b", "b,a"]),
    ("{2-$$a|b}", ["a,b", "b,a"]),
    ("{0-1$$a|b}", ["", "a", "b"]),
    ("{0$$a|b}", [""]),
    ("{5$$a|b}", ["a,b", "b,a"]),
    ("{2$$a|a|b}", ["a,b", "b,a"]),
    ("{2$$a}", ["a"]),
    ("{2$$$$a|b}", ["ab", "ba"]),
    ("{2$$|$$a|b}", ["a|b", "b|a"]),
    ("{2$$, $$a|}", ["a"]),
]
VARIABLES = [
    ("${x=a}${x}-${x}", ["a-a"]),
    ("${x={a|b}}${x}${x}", ["aa", "ab", "ba", "bb"]),
    ("${x=!{a|b}}${x}${x}", ["aa", "bb"]),
    ("${x:a}", ["a"]),
    ("${x:{a|b}}", ["a", "b"]),
    ("${x:}", [""]),
    ("${x=a}${x:b}", ["a"]),
    ("${x=a}${x?=b}${x}", ["a"]),
    ("${x?=b}${x}", ["b"]),
    ("${x=a}${x=b}${x}", ["b"]),
    ("${x}${x=a}", ["a"]),
    ("${ x = a}${ x }", ["a"]),
    ("${x=<${y}>}${y=a}${x}", ["<a>"]),
    ("{${x=a}${x}|b}", ["a", "b"]),
    ("${x=a|b}${x}", ["a|b"]),
]
WRAPS = [
    ("%{a ... b$$c}", ["a c b"]),
    ("%{a … b$$c}", ["a c b"]),
    ("%{{a|b} ...$$ {c|d}}", ["a c", "a d", "b c", "b d"]),
    ("%{no dots $$c}", ["no dots c"]),
    ("50%{a|b}", ["50%a", "50%b"]),
]
ESCAPES = [
    (r"\{a\|b\}", r"{a\|b}"),
    (r"{a\|b|a\|b}", "a|b"),
    (r"{\{|\{}", "{"),
    (r"{\}|\}}", "}"),
    (r"\__name__", "__name__"),
    (r"\__name\__ \{", "__name__ {"),
    (r"$\{x}", "${x}"),
    (r"a \(b\) {\(|\(}", r"a \(b\) \("),
    (r"\\{a|a}", r"\\a"),
]
NO_TEMPLATES = [
    "",
    "1girl, smile",
    "{prompt}",
    "{{smile}}, {{{hat}}}",
    "{}",
    "an open { brace",
    "a closed } brace",
    "[a|b], a | b",
    "{[a|b]}",
    "|_|, ||_||, :|, \\||/, <|>_<|>, :{, :}",
    "<lora:my__name__x:1>",
    "^__^, >__<, __, a__b, __ name __",
    "$5, 50%, $$, a::b, 1.2::red::",
    r"shiroko \(blue archive\), a\|b",
    "# {no comment",
]
BROKEN = [
    ("{a|b", "`{` is never closed", "line 1, column 1"),
    ("a,\n {2$$a|b", "`{2$$` is never closed", "line 2, column 2"),
    ("${x=a", "`${x=` is never closed", "line 1, column 1"),
    ("x ${x:a", "`${x:` is never closed", "line 1, column 3"),
    ("%{a ... $$b", "`%{` is never closed", "line 1, column 1"),
    ("{0::a|0::b}", "every option has the weight 0", "line 1, column 1"),
    ("a ${x}", "the variable `x` is not set", "line 1, column 3"),
    ("${x=${x}}${x}", "`${x}` is made of itself", "${x} → ${x}"),
    ("${x=${y}}${y=${x}}${x}", "`${x}` is made of itself", "${x} → ${y} → ${x}"),
    ("__a(b)__", "`b` is no argument of a wildcard", "line 1, column 5"),
]


@pytest.mark.parametrize(("text", "prompts"), ONE_OF_EACH + PICKS + VARIABLES + WRAPS)
def test_all_prompts_in_order(text, prompts, every):
    assert is_template(text)
    assert every(text) == prompts


@pytest.mark.parametrize(("text", "prompts"), ONE_OF_EACH + PICKS + VARIABLES + WRAPS)
def test_a_drawn_prompt_is_one_of_all(text, prompts):
    drawn = {draw(text, Random(seed), NONE) for seed in range(100)}
    assert drawn <= set(prompts)
    assert len(drawn) > 1 or len(prompts) == 1


@pytest.mark.parametrize(("text", "prompt"), ESCAPES)
def test_escapes_come_out_where_they_protected_something(text, prompt, every):
    assert is_template(text)
    assert every(text) == [prompt]


@pytest.mark.parametrize("text", NO_TEMPLATES)
def test_what_is_no_template_stays(text, every):
    assert not is_template(text)
    assert draw(text, Random(1), NONE) == text
    assert every(text) == [text]


@pytest.mark.parametrize(("text", "what", "where"), BROKEN)
def test_broken_templates_are_errors_with_a_place(text, what, where):
    assert is_template(text)
    with pytest.raises(UserError) as error:
        draw(text, Random(1), NONE)
    assert (error.value.what, error.value.where) == (what, where)


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("{[a|b]|c}", ["[a|b]", "c"]),
        ("{[a|b|c}", ["[a", "b", "c"]),
        ("[{a|b}|c]", ["[a|c]", "[b|c]"]),
        ("{|_||:|}", ["|_|", ":|"]),
        ("{:{|a}", [":{", "a"]),
        ("{a|:}", ["a", ":"]),
        ("{{a|b}}", ["{a}", "{b}"]),
        ("{x {a|b}", ["{x a", "{x b"]),
        ("{!|?|!?}", ["!", "?", "!?"]),
        ("{@_@|~}", ["@_@", "~"]),
        ("{$5|$$}", ["$5", "$$"]),
    ],
)
def test_pipes_and_braces_of_other_things(text, prompts, every):
    assert every(text) == prompts


def test_the_last_choice_changes_first_and_each_prompt_comes_once(every):
    assert every("{a|b}{c|d}") == ["ac", "ad", "bc", "bd"]
    assert every("{a|{a|b}}") == ["a", "b"]


def test_a_text_picked_twice_stands_once(every):
    assert every("{2$${a|b}|{a|b}}") == ["a", "a,b", "b,a", "b"]


def test_more_combinations_than_the_limit_are_an_error():
    assert len(list(draw_all("{a|b}{c|d}", NONE, limit=4))) == 4
    with pytest.raises(UserError, match="more than 3 combinations"):
        list(draw_all("{a|b}{c|d}", NONE, limit=3))
    with pytest.raises(UserError, match="1,000 combinations"):
        list(draw_all("{a|{b|c}}" * 40, NONE, limit=1000))


def test_what_goes_by_turns_or_by_chance_is_not_multiplied():
    assert list(draw_all("{@a|b}{c|d|e}", NONE)) == ["ac", "bd", "ae"]
    prompts = list(draw_all("{~a|b}{c|d|e}", NONE))
    assert [prompt[1] for prompt in prompts] == ["c", "d", "e"]
    assert prompts == list(draw_all("{~a|b}{c|d|e}", NONE))
    assert list(draw_all("{!a|b}", NONE)) == ["a", "b"]


@given(ANY_TEXT, st.integers(0, 9))
def test_any_text_is_drawn_alike_or_is_an_error(text, seed):
    try:
        drawn = draw(text, Random(seed), NONE)
    except UserError:
        assert is_template(text)
        return
    assert drawn == draw(text, Random(seed), NONE)
    assert is_template(text) or drawn == text


@given(st.text(alphabet="ab{}|_ $%@:", max_size=12))
def test_escaped_text_comes_out_as_it_was(text):
    escaped = re.sub(r"[{}]|__", r"\\\g<0>", text)
    assert draw(escaped, Random(1), NONE) == text
