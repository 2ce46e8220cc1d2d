"""TAG101 and TAG102: which tags they look at, and what the fix leaves alone."""

import msgspec
import pytest

from tagkit.cards import image_card
from tagkit.documents import parse_record
from tagkit.errors import UserError
from tagkit.lexicon import lexicon_for
from tagkit.linting import lint
from tagkit.linting.linter import Linter
from tagkit.packs import selected, shipped_rules


def found(text, code="TAG102", **options):
    report = lint(text, select=[code], **options)
    return [text[each.span.start : each.span.end] for each in report.diagnostics]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1girl, (twin_tails:1.3), solo", "1girl, (twintails:1.3), solo"),
        ("1girl, ((Cat Ear)), solo", "1girl, ((cat ears)), solo"),
        ("1girl, cat_ear", "1girl, cat_ears"),
        ("1girl, (gray hair, thigh highs:0.8)", "1girl, (grey hair, thighhighs:0.8)"),
        ("1girl\ngray eyes # dull\nBREAK twin tails", "1girl\ngrey eyes # dull\nBREAK twintails"),
    ],
)
def test_the_fix_replaces_the_name_alone(before, after):
    assert lint(before, select=["TAG102"]).fixed.positive == after


@pytest.mark.parametrize(
    ("dialect", "before", "after"),
    [
        ("novelai", "1.2::twin tails::, {gray hair}", "1.2::twintails::, {grey hair}"),
        ("compel", "(twin tails)1.2, gray_hair", "(twintails)1.2, grey_hair"),
        ("comfyui", "(watercolour:1.2)", r"(watercolor \(medium\):1.2)"),
        ("caption", "watercolour, gray_hair", "watercolor (medium), grey_hair"),
        ("novelai", "{watercolour}", "{watercolor (medium)}"),
    ],
)
def test_names_are_written_as_the_dialect_wants_them(dialect, before, after):
    report = lint(before, dialect=dialect, select=["TAG102"], unsafe=True)
    assert report.fixed.positive == after


def test_other_aliases_are_information_and_unsafe():
    (finding,) = lint("1girl, smiling", select=["TAG102"]).diagnostics
    assert (finding.severity, finding.fix.safety) == ("info", "unsafe")
    (finding,) = lint("1girl, twin tails", select=["TAG102"]).diagnostics
    assert (finding.severity, finding.fix.safety) == ("warning", "safe")


def test_a_schedule_is_not_rewritten():
    report = lint("1girl, [twin tails:ponytail:0.5]", select=["TAG102"])
    assert [each.fix for each in report.diagnostics] == [None]


@pytest.mark.parametrize(
    "text",
    [
        "<lora:x:1>, twin tails",
        "{twin tails|ponytail}",
        "(twin tails:1.2) and more",
        "[gray|white] hair, [flowers:cat:0.5]s",
        "__colour__ twin tails",
        "a girl who has twin tails and smiles",
        '"twin tails", text "eyes closed"',
    ],
)
@pytest.mark.parametrize("code", ["TAG101", "TAG102"])
def test_parts_and_triggers_and_quotes_are_left_alone(text, code):
    lines = [each for each in found(text, code) if each != "flowers"]
    assert lines == []


def test_a_doubled_tag_that_the_fix_makes_goes_too():
    report = lint("1girl, thigh highs, solo, thighhighs", select=["TAG102", "DUP101"])
    assert report.fixed.positive == "1girl, thighhighs, solo"


def test_the_cards_own_negative_words_are_right():
    words, card = "lowres, extra fingers", image_card("baxl-v3")
    assert lint("1girl", words, card, select=["TAG102"]).diagnostics
    prompt = msgspec.structs.replace(card.prompt, negative=words)
    own = msgspec.structs.replace(card, prompt=prompt)
    assert lint("1girl", words, own, select=["TAG102"]).diagnostics == ()


def test_unknown_tags_are_found_only_when_asked_for_by_name():
    text = "1girl, loooking at viewer, qwertyuiop"
    assert found(text, "TAG") == []
    assert found(text, "TAG101") == ["loooking at viewer", "qwertyuiop"]
    near, plain = lint(text, select=["tag101"]).diagnostics
    assert "did you mean `looking at viewer`?" in near.message
    assert near.severity == "warning"
    assert plain.message == "`qwertyuiop` is no known tag"


def test_a_comment_may_allow_what_is_off():
    text = "# tagkit: allow TAG101\n1girl, qwertyuiop"
    assert [each.code for each in lint(text, select=["SUP"]).diagnostics] == []


def test_an_imported_list_teaches_both_rules(tmp_path, monkeypatch):
    monkeypatch.setenv("TAGKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tags.csv").write_text('qwertyuiop,0,5,"asdf ghjk"\n')
    rules = selected(shipped_rules(), ["TAG101", "TAG102"], [])
    linter = Linter(None, rules, lexicon=lexicon_for(tmp_path / "tags.csv"))
    report = linter.lint(parse_record("1girl, qwertyuiop, asdf ghjk, yxcv bnm"))
    assert [(each.code, each.severity) for each in report.diagnostics] == [
        ("TAG102", "info"),
        ("TAG101", "warning"),
    ]
    assert report.diagnostics[0].fix.safety == "unsafe"


def test_an_unknown_code_is_still_a_slip_of_the_pen():
    with pytest.raises(UserError, match="no rule"):
        lint("1girl", select=["TAG999"])


@pytest.mark.parametrize("dialect", ["a1111", "novelai"])
def test_fixing_real_prompts_settles(real_prompts, dialect):
    """Once fixed there is nothing left to fix, and no fix made a new error."""
    for text in real_prompts[::7]:
        first = lint(text, dialect=dialect, select=["TAG102", "DUP101", "SYN"], unsafe=True)
        again = lint(
            first.fixed.positive, dialect=dialect, select=["TAG102", "DUP101", "SYN"], unsafe=True
        )
        assert again.fixed.positive == first.fixed.positive
        errors = sum(each.severity == "error" for each in first.diagnostics)
        assert sum(each.severity == "error" for each in again.diagnostics) <= errors
