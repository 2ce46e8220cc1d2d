"""`tagkit.lint`: texts, records, cards, selection."""

import pytest

import tagkit
from tagkit.linting.patterns import name_test

RECORD = (
    "1girl, smile, 1girl\nNegative prompt: lowres\n"
    "Steps: 25, Sampler: Euler a, CFG scale: 12, Seed: 1, Size: 832x1216"
)


def codes(report):
    return {each.code for each in report.diagnostics}


def test_a_record_is_judged_in_all_its_texts():
    report = tagkit.lint(RECORD)
    places = {
        each.code: (each.where, RECORD[each.span.start : each.span.end])
        for each in report.diagnostics
    }
    assert places["DUP101"] == ("positive", "1girl")
    assert places["NEG101"] == ("negative", "lowres")
    assert places["FIT104"] == ("settings", "12")
    assert report.fixed.positive == "1girl, smile"
    assert report.fixed.negative == "lowres, halo, heterochromia, focus"


def test_without_a_negative_prompt_the_card_writes_one():
    report = tagkit.lint("1girl, halo")
    assert report.fixed.negative == (
        "lowres, error, worst quality, low quality, jpeg artifacts, watermark, signature, "
        "username, heterochromia, focus"
    )
    severities = {each.severity for each in report.diagnostics if each.code.startswith("NEG")}
    assert severities == {"info"}


def test_the_message_says_how_to_keep_a_trait():
    report = tagkit.lint("1girl", "lowres")
    said = next(each.message for each in report.diagnostics if each.code == "NEG101")
    assert "write `halo` in the prompt to keep it" in said


def test_an_unknown_model_is_judged_without_a_card():
    report = tagkit.lint("masterpiece, 1girl, 1girl, sketch, (x", model=None)
    assert codes(report) == {"DUP101", "SYN101"}


def test_selection():
    text = "masterpiece, 1girl, 1girl"
    assert codes(tagkit.lint(text, select=["DUP"])) == {"DUP101"}
    assert "DUP101" not in codes(tagkit.lint(text, ignore=["dup101"]))
    with pytest.raises(tagkit.UserError, match="DUP"):
        tagkit.lint(text, select=["DUPE"])


def test_an_unknown_card_names_the_nearest():
    with pytest.raises(tagkit.UserError, match="baxl-v3"):
        tagkit.lint("1girl", model="baxl-v4")


def test_length_counts_real_tokens():
    text = "cat BREAK " * 5 + "cat"
    assert "LEN101" not in codes(tagkit.lint(text))


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        (".*boy.*", ["1boy", "cowboy"], ["girl"]),
        ("sketch", ["sketch"], ["sketchy", "a sketch"]),
        ("blue.*", ["blue hair"], ["a blue"]),
        (".*hat", ["red hat"], ["hatsune"]),
        ("(red|blue) hat", ["red hat", "BLUE HAT"], ["green hat"]),
    ],
)
def test_patterns_match_whole_names(pattern, hits, misses):
    test = name_test(pattern)
    assert all(test(name.lower() if pattern.isalpha() else name) for name in hits)
    assert not any(test(name) for name in misses)


def test_a_broken_pattern_is_named():
    with pytest.raises(tagkit.UserError, match=r"\*hat"):
        name_test("*hat")


def test_a_pattern_without_end_is_stopped():
    with pytest.raises(tagkit.UserError, match="does not come to an end"):
        name_test("(a|aa)+b(?=c)")("a" * 60)
