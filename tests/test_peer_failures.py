"""What other tools break, done right here; each test says who breaks it and how.

Further failures are with their subject: wildcards in tests/prompt/templates, image metadata in
tests/infotext/test_peers.py, decoding in tests/expansion/test_decoding.py.
"""

import pytest

import tagkit
from tagkit.linting import lint
from tagkit.prompt import canonical, parse


def fixed(text):
    return lint(text).fixed.positive


@pytest.fixture(scope="module")
def expanded():
    """Completes a prompt with the tag model that tagkit carries."""
    pytest.importorskip("transformers")
    return lambda text, **options: tagkit.expand([text], tag_model="tiny", seed=1, **options)[0]


# Tools that clean tags: prompt-format, prompt-all-in-one, sd-scripts, imgutils.


@pytest.mark.parametrize(
    "text",
    [
        "1girl, <lora:my_style_v2:0.8>, smile",  # prompt-format 15: underscores of LoRA names
        "1girl, __hair/long_styles__, smile",  # prompt-format 15: underscores of wildcards
        "1girl, ^_^, o_o, >_<",  # sd-scripts: o_o and >_< become other tags
        "1girl, (smile:1.0), [hat:ribbon:0.5]",  # prompt-all-in-one: `:1` and `:0` go
        "1girl,\nsmile,\nhat",  # prompt-all-in-one 284: commas at line ends
        "1girl, a girl, who walks. Slowly, in the rain",  # regular expressions that edit prose
        "1girl, shirt, white shirt",  # imgutils: the substring rule removes what is no repetition
        "1girl, :3, smile",  # prompt-format: special cases for `:3` and `> <`
        "1girl, > <, smile",
    ],
)
def test_cleaning_leaves_alone_what_it_does_not_know(text):
    assert fixed(text) == text


def test_repetition_is_seen_across_weights_and_no_weight_is_lost():
    """prompt-format ignores weights when it takes repetitions out."""
    report = lint("1girl, smile, (smile:1.3)", select=["DUP"])
    assert [each.fix.safety for each in report.diagnostics] == ["unsafe"]
    assert report.fixed.positive == "1girl, smile, (smile:1.3)"


# The web UI's own traps.


def test_a_weight_that_stops_the_web_ui_is_found_before():
    assert "SYN102" in {each.code for each in lint("1girl, (smile:1.2.3)").diagnostics}
    with pytest.raises(tagkit.UserError, match=r"1\.2\.3"):
        tagkit.weighted_text("1girl, (smile:1.2.3)")


def test_an_open_bracket_is_an_error_not_a_weight():
    assert "SYN101" in {each.code for each in lint("1girl, (smile, hat").diagnostics}


# KGen and its extensions.


@pytest.mark.parametrize(
    "piece",
    [
        r"shiroko \(blue archive\)",  # the host's parser takes the backslashes away
        "(smile:1.21)",  # nested weights come back as 1.2100000000000002
        "[hat]",  # becomes (hat:0.9090909090909091)
        "[smile:open mouth:0.5]",  # becomes (smile:open mouth:0.5:0.909…)
        "[smile|open mouth]",
        "<lora:my_style:0.8>",  # moved to the end, or treated as a tag
        ":)",  # becomes :\)
        ";(",  # becomes ;
        "(:d:1.2)",
        "BREAK",  # becomes (BREAK:-1), or an IndexError in first place
    ],
)
def test_the_users_syntax_survives_expansion(expanded, piece):
    text = f"1girl, {piece}, hat" if piece != "BREAK" else "1girl BREAK hat"
    result = expanded(text)
    assert result.added
    assert piece in result.prompt
    names = [tag.name for tag in parse(result.prompt).tags]
    for tag in result.added:
        names.remove(tag)
    assert names == [tag.name for tag in parse(text).tags]


def test_break_in_first_place_is_no_crash(expanded):
    assert expanded("BREAK 1girl").prompt.startswith("BREAK 1girl")


@pytest.mark.parametrize(
    ("ban", "kept"),
    [
        ("hat", "hatsune miku"),  # a ban is matched at the start only: `hat` kills `hatsune miku`
        ("(tag", None),  # an invalid expression raises from inside
    ],
)
def test_bans_mean_what_they_say(expanded, ban, kept):
    if kept is None:
        with pytest.raises(tagkit.UserError, match="tag"):
            expanded("1girl", ban=[ban])
        return
    assert kept in expanded(f"1girl, {kept}", ban=[ban]).prompt


def test_nothing_is_said_twice(expanded):
    """A generated tag that the user wrote stays twice there."""
    names = [tag.name for tag in parse(expanded("1girl, solo, long hair, smile").prompt).tags]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (r"ganyu \(genshin impact\)", "ganyu (genshin impact)"),
        ("Hatsune Miku", "hatsune miku"),
        ("(o)_(o)", "(o)_(o)"),  # becomes (o) (o)
        ("||_||", "||_||"),
    ],
)
def test_names_are_found_however_they_are_written(written, name):
    """KGen looks names up as they stand, and breaks kaomoji of four letters and more."""
    assert canonical(written) == name


# compel.


def test_names_with_brackets_convert_both_ways():
    """Community converters use regular expressions that break on brackets and nesting."""
    text = r"(shiroko \(blue archive\):1.2), (a (b:1.5):1.2)"
    there = tagkit.convert(text, "a1111", "compel")
    assert there == r"(shiroko \(blue archive\))1.2, (a)1.2 (b)1.8"
    back = tagkit.convert(there, "compel", "a1111")
    assert back == r"(shiroko \(blue archive\):1.2), (a:1.2) (b:1.8)"
