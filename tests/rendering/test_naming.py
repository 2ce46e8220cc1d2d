from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.errors import UserError
from tagkit.rendering.naming import Values, file_name, numbered, slug, template_problem

VALUES = Values(3, 41, "baxl-v3", "ab12", "1girl, (blue hair:1.2)", 25, 6.0, "euler-a", 832, 1216)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{index:05d}-{seed}", "00003-41.png"),
        ("{model}/{prompt}", "baxl-v3/1girl-blue-hair-1-2.png"),
        ("{width}x{height} cfg {cfg:.1f}", "832x1216 cfg 6.0.png"),
        ("{{{id}}}", "{ab12}.png"),
        ("a:b?c*", "a-b-c-.png"),
        ("con", "_con.png"),
        (".hidden", "_.hidden.png"),
        ("dots. .", "dots.png"),
    ],
)
def test_names(template, name):
    assert template_problem(template) is None
    assert file_name(template, VALUES, ".png") == name


@pytest.mark.parametrize(
    "template",
    [
        "", "../{seed}", "../../{seed}", "/tmp/{seed}", "a/../b", "a\\..\\b", "\\\\host\\x",
        "C:\\x", "a//b", "a/", "./a", "{seed.__class__}", "{seed!r}", "{0}", "{}", "{nothing}", "{",
        "}", "{index:999999999}", "{index:{seed}}", "{prompt:d}",
    ],
)  # fmt: skip
def test_templates_that_are_refused(template):
    assert template_problem(template)
    with pytest.raises(UserError, match="filename"):
        file_name(template, VALUES, ".png")


@given(st.text(), st.text(), st.text())
def test_no_value_leads_out_of_the_folder(model, prompt, ident):
    values = Values(0, 0, model, ident, prompt, 1, 1.0, "euler-a", 8, 8)
    name = file_name("{model}/{prompt}-{id}", values, ".png")
    folder, _, file = name.partition("/")
    assert file.endswith(".png")
    assert not {folder, file} & {"", ".", ".."}
    assert "\\" not in name
    assert (Path("/out") / name).resolve().is_relative_to("/out")


@given(st.text(alphabet='./\\{}seda:"', max_size=12))
def test_no_template_leads_out_of_the_folder(template):
    if template_problem(template) is None:
        name = file_name(template, VALUES, ".png")
        assert (Path("/out") / name).resolve().is_relative_to("/out")
        assert (Path("/out") / name).resolve() != Path("/out")


def test_a_taken_name_gets_a_number():
    assert numbered("a.b/c.png", 2) == "a.b/c-2.png"


def test_a_slug_of_words():
    assert slug("1girl, ^_^, 青い髪!") == "1girl-_-青い髪"
    assert slug("(((:") == "empty"
    assert len(slug("word " * 100)) <= 60
