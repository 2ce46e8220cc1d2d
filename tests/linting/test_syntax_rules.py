"""Syntax rules where they meet one another, other dialects and odd texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.linting import lint

MARKS = list("，、（）：:,()[]{}|# \n.23")
WORDS = ["  ", "smile", "hat", "shiroko", "blue archive", "微笑", "long_hair", "1.2"]
SYNTAX = ["AND", "BREAK", "1.2::", "::", "++", "<lora:a  b:1>", '"a，b"', "__a  b__", ":3"]
PIECES = st.sampled_from(MARKS + WORDS + SYNTAX)
TEXTS = st.lists(PIECES, max_size=14).map("".join)
DIALECTS = st.sampled_from(["a1111", "comfyui", "novelai", "compel"])


def codes(text, negative=None, dialect="a1111", **options):
    report = lint(text, negative, dialect=dialect, **options)
    return sorted(each.code for each in report.diagnostics)


def fixed(text, code, dialect="a1111", **options):
    return lint(text, dialect=dialect, select=[code], **options).fixed.positive


@given(TEXTS, DIALECTS, st.booleans())
def test_fixing_twice_is_fixing_once_and_makes_no_error(text, dialect, unsafe):
    options = {"dialect": dialect, "unsafe": unsafe, "ignore": ["NEG", "LEN101"]}
    first = lint(text, text, **options)
    again = lint(first.fixed.positive, first.fixed.negative, **options)
    assert again.fixed == first.fixed
    assert errors(again) <= errors(first)


@given(TEXTS, st.sampled_from(["a1111", "comfyui"]))
def test_no_safe_fix_touches_what_is_no_text(text, dialect):
    kept = "<lora:long_hair  b,,c:1>"
    after = lint(f"{kept}, {text}", dialect=dialect, select=["SYN", "TAG103"]).fixed.positive
    assert after.startswith(kept)


def errors(report):
    return sum(each.severity == "error" for each in report.diagnostics)


def test_the_end_is_one_finding_in_a_positive_a1111_prompt():
    assert codes("1girl, smile:1.2", select=["SYN"]) == ["SYN105"]
    assert codes("1girl", "lowres, smile:1.2", select=["SYN"]) == ["SYN102"]
    assert codes("1girl, smile:1.2", dialect="comfyui", select=["SYN"]) == ["SYN102"]
    assert "SYN105" not in codes("1girl, (smile:1.2", select=["SYN"])


def test_a_number_at_the_end_of_a_part_weighs_the_part():
    assert codes("hat :1.2 AND 1girl, smile :0.8", select=["SYN"]) == []
    assert codes("hat:1.2 <lora:x:1> AND 1girl", select=["SYN"]) == []
    assert codes("hat:1.2, bow AND 1girl", select=["SYN"]) == ["SYN102"]
    assert codes("1girl, hat:1.2 BREAK smile", select=["SYN"]) == ["SYN102"]
    assert codes("1girl", "hat:1.2 AND bow", select=["SYN102"]) == ["SYN102"]


def test_a_weight_is_what_the_dialect_makes_of_it():
    assert codes("((smile:1.5):1.5)", select=["SYN103"]) == ["SYN103"]
    assert codes("((smile:1.5):1.5)", dialect="comfyui", select=["SYN103"]) == []
    assert codes("2.5::smile::, -1::hat::", dialect="novelai", select=["SYN103"]) == []
    assert codes("4::smile::", dialect="novelai", select=["SYN103"]) == ["SYN103"]


def test_a_bracket_of_many_tags_is_one_finding():
    assert codes("(smile, hat, scarf:2), (coat:2)", select=["SYN103"]) == ["SYN103", "SYN103"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1girl ， smile", "1girl, smile"),
        ("1girl，\nsmile", "1girl,\nsmile"),
        ("（（smile：1.2））", "((smile:1.2))"),
        ("（smile), hat", "(smile), hat"),
        ("（smile", "（smile"),
        ("（smile 1.2）, hat", "（smile 1.2）, hat"),
        ("（1girl BREAK hat）", "（1girl BREAK hat）"),
        ("1girl, ：3", "1girl, ：3"),
        ("[hat：scarf：0.5]", "[hat：scarf：0.5]"),
        ("10，000 stars", "10，000 stars"),
        ("artist：someone, hat", "artist:someone, hat"),
        ("微笑，smile", "微笑，smile"),
        ("smile（笑）", "smile（笑）"),
        ("hat # a，b", "hat # a，b"),
    ],
)
def test_full_width(text, expected):
    assert fixed(text, "SYN106") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hat,,,\nscarf", "hat,,,\nscarf"),
        ("hat,\n  scarf  \nsmile", "hat,\n  scarf  \nsmile"),
        (",,1girl", "1girl"),
        (", BREAK hat", ", BREAK hat"),
        (", <lora:a:1>", ", <lora:a:1>"),
        (",", ","),
        ("hat  # two blanks", "hat  # two blanks"),
        ("{2$$  and  $$a|b}", "{2$$  and  $$a|b}"),
        ("a, b,  , c", "a, b, c"),
    ],
)
def test_empty_segments(text, expected):
    assert fixed(text, "SYN107") == expected


@pytest.mark.parametrize(
    ("text", "dialect", "found"),
    [
        ("(smile:1.2), hat", "novelai", True),
        ("(smile:1.2), hat", "comfyui", False),
        ("{smile}", "novelai", False),
        ("smile++", "compel", False),
        ("1.2::smile::", "comfyui", True),
        ("${x=a} hat", "a1111", False),
        ('"{smile}", hat', "a1111", False),
        ("# {smile}\nhat", "a1111", False),
    ],
)
def test_foreign_dialects(text, dialect, found):
    assert (codes(text, dialect=dialect, select=["SYN108"]) != []) is found


def test_a_foreign_dialect_is_said_once_a_file(run, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("{smile}\n{hat}\n")
    out = run("lint", path, "--select", "SYN108", "--output-format", "concise")
    assert out.stdout.count("SYN108") == 1
    run("lint", path, "--select", "SYN108", "--fix", "--unsafe-fixes")
    assert path.read_text() == "(smile:1.05)\n(hat:1.05)\n"


def test_a_foreign_dialect_is_none_where_it_is_detected(run, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("{{smile}}, hat\n")
    out = run("lint", path, "--select", "SYN108", "--dialect", "auto")
    assert (out.returncode, "SYN108" in out.stdout) == (0, False)


def test_underscores_of_trained_words_and_triggers_stay():
    text = "score_9_up, rating_safe, frd_woman, ^_^, _hat_, long__hair, black_AND_white, 1girl"
    assert fixed(text, "TAG103") == text


def test_a_tag_is_cut_where_no_comma_is_near():
    words, long = " ".join(["word"] * 60), " ".join(["word"] * 100)
    assert codes(f"1girl, smile, {long}", select=["LEN102"]) == ["LEN102"]
    assert codes(f"hat BREAK {long}, smile", select=["LEN102"]) == ["LEN102"]
    assert codes(f"{words}, {words}", select=["LEN102"]) == []
    assert codes(f"{words} BREAK {words}", select=["LEN102"]) == []
    assert codes("hat, " * 100, select=["LEN102"]) == []
