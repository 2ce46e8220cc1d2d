"""Wildcards in prompts: nesting, arguments, circles, hostile ones."""

from random import Random

import pytest

from tagkit.errors import UserError
from tagkit.prompt.templates import Wildcards, draw, draw_all

FILES = {
    "color.txt": "red\n{dark|light} blue",
    "dress.txt": "__color__ dress\n${season:any} coat",
    "and.yaml": "and: [' and ', ' & ']",
}


def failure(text: str, wildcards: Wildcards) -> UserError:
    with pytest.raises(UserError) as error:
        list(draw_all(text, wildcards))
    return error.value


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a __color__ b", ["a red b", "a dark blue b", "a light blue b"]),
        ("a__color__b", ["aredb", "adark blueb", "alight blueb"]),
        ("__dress__", ["red dress", "dark blue dress", "light blue dress", "any coat"]),
        ("{__color__|x}", ["red", "dark blue", "light blue", "x"]),
        (
            "{2$$+$$__color__}",
            ["red+dark blue", "red+light blue", "dark blue+red", "light blue+red"],
        ),
        ("{2$$__and__$$a|b}", ["a and b", "b and a", "a & b", "b & a"]),
        ("${sep=+}{2$$${sep}$$a|b}", ["a+b", "b+a"]),
        ("{2$$ {and|or} $$a|b}", ["a and b", "b and a", "a or b", "b or a"]),
        ("__{and|and}__", [" and ", " & "]),
        ("__${what:and}__", [" and ", " & "]),
        ("[__and__|x]", ["[ and |x]", "[ & |x]"]),
    ],
)
def test_wildcards_in_prompts(text, prompts, every):
    assert every(text, FILES) == prompts


@pytest.mark.parametrize(
    ("arguments", "coats"),
    [
        ("season=winter", ["winter coat"]),
        (" season = winter ", ["winter coat"]),
        ("season={winter|autumn}", ["winter coat", "autumn coat"]),
        ("season={a, b|c}, x=y", ["a, b coat", "c coat"]),
        ("season=__color__", ["red coat", "dark blue coat", "light blue coat"]),
        ("season=!{winter|autumn}", ["winter coat", "autumn coat"]),
        ("season=${season}", ["mild coat"]),
        ("x=y", ["mild coat"]),
    ],
)
def test_arguments(arguments, coats, every):
    prompts = every("${season=mild}" + f"__dress({arguments})__", FILES)
    assert list(dict.fromkeys(prompt for prompt in prompts if "coat" in prompt)) == coats


def test_a_variable_reaches_into_the_values(every):
    assert "winter coat" in every("${season=winter}__dress__", FILES)


@pytest.mark.parametrize(
    ("files", "circle"),
    [
        ({"a.txt": "__a__"}, "__a__ → __a__"),
        ({"a.txt": "__b__", "b.txt": "x {__a__|y}"}, "__a__ → __b__ → __a__"),
        ({"a.txt": "__*__"}, "__a__ → __*__ → __*__"),
        ({"a.txt": "${x}"}, "__a__ → ${x} → __a__"),
        ({"a.txt": "x __a(x=${x} y)__"}, "__a__ → __a__"),
    ],
)
def test_a_wildcard_that_holds_itself_is_an_error(files, circle, folder):
    error = failure("${x=__a__}__a__", Wildcards([folder(files)]))
    assert "is made of itself" in error.what
    assert error.where == circle


def test_what_grows_without_measure_is_an_error(folder):
    files = {f"w{n}.txt": f"__w{n + 1}__ __w{n + 1}__" for n in range(40)}
    wildcards = Wildcards([folder({**files, "w40.txt": "x" * 1000})])
    assert "grows beyond" in failure("__w0__", wildcards).what


def test_a_long_chain_is_an_error(folder):
    files = {f"w{n}.txt": f"__w{n + 1}__" for n in range(100)}
    error = failure("__w0__", Wildcards([folder({**files, "w100.txt": "x"})]))
    assert "nested deeper" in error.what
    chain = "${v0=x}" + "".join(f"${{v{n}=${{v{n - 1}}}}}" for n in range(1, 5000)) + "${v4999}"
    assert "nested deeper" in failure(chain, Wildcards()).what


def test_too_many_picks_are_an_error(folder):
    wildcards = Wildcards([folder({"x.txt": "\n".join(map(str, range(5000)))})])
    assert "1,000 is the most" in failure("{1-$$__x__}", wildcards).what
    assert len(draw("{9$$ $$__x__}", Random(1), wildcards).split()) == 9


@pytest.mark.parametrize(
    "text",
    ["{" * 100_000, "{a|" * 100_000, "${x=" * 50_000, "%{a$$" * 50_000, "{a" * 31 + "}" * 31],
)
def test_deep_braces_are_one_error(text):
    assert "nested deeper than 30" in failure(text, Wildcards()).what


@pytest.mark.parametrize(
    "piece", ["[", "]", "|", "}", "$$", "__", "__a,", "<a:", "\\", "{}", "1::"]
)
def test_long_text_that_is_no_template_stays(piece):
    text = piece * 50_000
    assert draw(text, Random(1), Wildcards()) == text


def test_the_deepest_template_is_drawn():
    assert draw("{" * 30 + "a|a" + "}" * 30, Random(1), Wildcards()) == "{" * 29 + "a" + "}" * 29
    assert draw("{x|" * 30 + "x" + "}" * 30, Random(1), Wildcards()) == "x"
