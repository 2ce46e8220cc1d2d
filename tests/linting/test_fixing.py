"""Fixes: repeated to a fixed point, never a new error, nothing lost."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.cards import image_cards
from tagkit.linting import lint
from tagkit.prompt import parse

TAGS = st.sampled_from(
    ["1girl", "solo", "smile", "masterpiece", "best quality", "blue theme", "long hair", "zzword"]
    + ["(smile:1.2)", "(1girl, solo)", "(hat, masterpiece)", "[halo]", "<lora:a:1>", "__x__"]
    + ["{a|b}", "[a:b:3]", "(hat:1,2)", "shiroko (blue archive)", "halo", ":)", "(x", "y)", "BREAK"]
    + ["absurdres", "year 2024", "a girl who looks at the sky", "sketch", "# note\n", "\n", ""]
)
PROMPTS = st.lists(TAGS, max_size=12).map(", ".join)
NEGATIVES = st.none() | st.sampled_from(["", "lowres", "lowres, halo,", "(halo:1.3), x # y"])
MODELS = st.sampled_from(["baxl-v3", "kohaku-delta"])


def names_of(text):
    return {tag.name for tag in parse(text).tags}


def errors(report):
    return sum(each.severity == "error" for each in report.diagnostics)


@given(PROMPTS, NEGATIVES, MODELS, st.booleans())
def test_fixing_twice_is_fixing_once_and_makes_no_error(text, negative, model, unsafe):
    first = lint(text, negative, model, unsafe=unsafe)
    again = lint(first.fixed.positive, first.fixed.negative, model, unsafe=unsafe)
    if negative is not None:
        assert again.fixed.negative == first.fixed.negative
    assert again.fixed.positive == first.fixed.positive
    assert errors(again) <= errors(first)


@given(PROMPTS, MODELS)
def test_safe_fixes_lose_no_tag(text, model):
    """Sorting and de-duplication keep every name that was there."""
    before = lint(text, "", model, select=["ORD", "DUP"])
    assert names_of(before.fixed.positive) == names_of(text)


@given(PROMPTS, MODELS)
def test_sorting_is_a_permutation(text, model):
    report = lint(text, "", model, select=["ORD"])
    assert Counter(report.fixed.positive) == Counter(text)
    assert Counter(tag.name for tag in parse(report.fixed.positive).tags) == Counter(
        tag.name for tag in parse(text).tags
    )


@given(PROMPTS)
def test_spans_point_into_the_text(text):
    for each in lint(text).diagnostics:
        assert 0 <= each.span.start <= each.span.end <= len(text)


@pytest.mark.parametrize("model", sorted(image_cards()))
def test_real_prompts(real_prompts, model):
    for text in real_prompts[::15]:
        first = lint(text, model=model)
        again = lint(first.fixed.positive, model=model)
        assert again.fixed.positive == first.fixed.positive
        assert errors(again) <= errors(first)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("1girl, solo, hat,\n1girl", "1girl, solo, hat"),
        ("(1girl:1.0), (1girl, smile:1.0)", "(1girl:1.0), (smile:1.0)"),
        ("1girl, (1girl, smile)", "1girl, (1girl, smile)"),
        ("1girl, smile, # the second\n1girl, hat", "1girl, smile, # the second\nhat"),
        ("1girl, (smile), ((smile:1.0)), hat", "1girl, (smile), hat"),
        ("smile, {smile|hat}", "smile, {smile|hat}"),
    ],
)
def test_what_goes_with_a_repeated_tag(text, fixed):
    assert lint(text, select=["DUP"]).fixed.positive == fixed


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("solo, 1girl, smile", "solo, 1girl, smile"),
        ("smile, solo, 1girl", "1girl, smile, solo"),
        ("masterpiece, solo, 1girl", "1girl, solo, masterpiece"),
        ("zzword, masterpiece, 1girl", "zzword, 1girl, masterpiece"),
        ("masterpiece, zzword, 1girl", "1girl, masterpiece, zzword"),
        ("smile, <lora:x:1>, zztrigger, 1girl", "1girl, <lora:x:1>, zztrigger, smile"),
        ("masterpiece,\n1girl,\nsmile", "1girl,\nsmile,\nmasterpiece"),
        ("highres, (1girl, solo:1.1), smile", "(1girl, solo:1.1), smile, highres"),
        ("masterpiece, (1girl, smile)", "masterpiece, (1girl, smile)"),
        ('masterpiece, "1girl", solo', 'masterpiece, "1girl", solo'),
        ("masterpiece, zzword, <lora:x:1>, 1girl", "masterpiece, zzword, <lora:x:1>, 1girl"),
        ("smile, artist:someone", "artist:someone, smile"),
        ("speed, 1girl", "speed, 1girl"),
    ],
)
def test_sorting(text, fixed):
    assert lint(text, select=["ORD"]).fixed.positive == fixed


def test_half_a_malformed_weight_is_no_repeated_tag():
    """Taking the second `2` out would turn the second bracket into a weight."""
    text = "(hat:1,2), smile, (hat:1,2)"
    assert lint(text, select=["DUP"]).fixed.positive == "(hat:1,2), smile, (2)"
