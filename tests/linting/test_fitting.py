"""`--fit`: what is dropped, in which order, and what stays."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.cards import image_card, image_cards
from tagkit.clip import count_tokens
from tagkit.lexicon import shipped_lexicon
from tagkit.linting import lint
from tagkit.linting.classify import Knowledge
from tagkit.linting.fitting import fit

IMPLIED = {"white thighhighs": frozenset({"thighhighs"})}
WORDS = ["1girl", "solo", "smile", "masterpiece", "thighhighs", "white thighhighs", "long hair"]
WORDS += ["(hat:1.2)", "{smile|hat}", "<lora:a:1>", "zzword", "year 2024", "highres", "[a:b:3]"]


LONG = "1girl, solo, " + ", ".join(
    f"{colour} {thing}"
    for colour in ("red", "blue", "green", "pink")
    for thing in ("hat", "ribbon", "gloves", "skirt", "boots", "scarf", "coat", "bag")
)


def fitted(text, limit, model="baxl-v3"):
    knowledge = Knowledge(image_card(model), shipped_lexicon())
    return fit(text, "a1111", limit, knowledge, IMPLIED)


def dropped(text, limit, model="baxl-v3"):
    return [(each.tag, each.because) for each in fitted(text, limit, model).drops]


def test_implied_tags_go_first():
    text = "1girl, thighhighs, white thighhighs, smile, hat"
    assert dropped(text, count_tokens(text).real - 1) == [("thighhighs", "implied")]


def test_then_general_tags_from_the_end_then_the_tail():
    text = "1girl, smile, zzword, hat, highres, year 2024, safe, masterpiece"
    order = [("hat", "general"), ("zzword", "general"), ("smile", "general")]
    order += [("highres", "meta"), ("year 2024", "year"), ("safe", "rating")]
    assert dropped(text, 1) == [*order, ("masterpiece", "quality")]


def test_the_card_says_what_is_least_important():
    text = "1girl, masterpiece, smile, hat, highres"
    order = [("highres", "meta"), ("hat", "general"), ("smile", "general")]
    assert dropped(text, 1, "kohaku-delta") == [*order, ("masterpiece", "quality")]


@pytest.mark.parametrize("model", ["baxl-v3", "kohaku-delta"])
def test_the_rule_drops_what_fitting_drops(model):
    text = f"{LONG}, thighhighs, white thighhighs, highres, masterpiece"
    fixed = lint(text, model=model, select=["LEN101"], unsafe=True).fixed.positive
    assert fixed == fitted(text, 75, model).text


def test_what_was_emphasised_goes_last_of_its_group():
    assert dropped("1girl, smile, (hat:1.2), masterpiece", 4) == [
        ("smile", "general"),
        ("hat", "general"),
    ]


@pytest.mark.parametrize("model", sorted(image_cards()))
def test_who_is_drawn_stays_whatever_the_card(model):
    text = r"1girl, solo, hoshino \(blue archive\), blue archive, blue theme, smile"
    fitting = fitted(text, 1, model)
    assert fitting.text == r"1girl, solo, hoshino \(blue archive\), blue archive, blue theme"
    assert fitting.tokens > fitting.limit


def test_triggers_and_alternatives_stay():
    text = "1girl, <lora:x:1>, white thighhighs, {smile|hat}, __place__, zzword"
    assert dropped(text, 1) == [("zzword", "general")]
    assert dropped("1girl, <lora:x:1>, white thighhighs, thighhighs", 1) == [
        ("thighhighs", "general")
    ]


def test_a_prompt_that_fits_is_left_alone():
    fitting = fitted("1girl,  smile", 75)
    assert (fitting.text, fitting.drops) == ("1girl,  smile", ())


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(", ".join), st.integers(1, 40))
def test_each_drop_saves_what_it_says(text, limit):
    fitting = fitted(text, limit)
    assert fitting.before == count_tokens(text).real
    assert fitting.tokens == count_tokens(fitting.text).real
    assert fitting.before - sum(each.tokens for each in fitting.drops) == fitting.tokens
    assert all(each.tokens > 0 for each in fitting.drops)
    assert fitted(fitting.text, limit).text == fitting.text


def test_real_prompts_fit(real_prompts):
    for text in real_prompts[::40]:
        fitting = fitted(text, 60)
        assert fitting.tokens <= max(fitting.before, 60)


@pytest.fixture
def prompt(tmp_path):
    path = tmp_path / "p.txt"
    path.write_text(f"1girl, smile\n\n{LONG}\n", encoding="utf-8")
    return path


def test_the_command_says_what_to_drop_and_changes_nothing(run, prompt):
    out = run("lint", prompt, "--fit", "75", "--select", "DUP101")
    before = count_tokens(LONG).real
    lines = out.stdout.splitlines()
    assert out.returncode == 1
    assert f"{prompt}:3: {before} tokens become" in out.stdout
    assert "  -3 `pink bag` (general)" in lines
    assert prompt.read_text(encoding="utf-8").splitlines()[2] == LONG


def test_the_command_drops_with_fix_and_shows_with_diff(run, prompt):
    diff = run("lint", prompt, "--fit", "75", "--diff", "--select", "DUP101").stdout
    assert f"-{LONG}" in diff.splitlines()
    out = run("lint", prompt, "--fit", "75", "--fix", "--select", "DUP101")
    assert out.returncode == 0, out.stdout
    left = prompt.read_text(encoding="utf-8").splitlines()[2]
    assert LONG.startswith(left)
    assert 70 < count_tokens(left).real <= 75
    again = run("lint", prompt, "--fit", "75", "--select", "DUP101")
    assert (again.returncode, again.stdout) == (0, "No problems in 2 prompts.\n")


def test_what_cannot_fit_says_so(run):
    out = run("lint", "1girl, solo, smile", "--fit", "1", "--select", "DUP101")
    assert out.returncode == 1
    assert "of 1, and nothing more can go" in out.stdout


def test_json_has_the_drops(run, prompt):
    out = run("lint", prompt, "--fit", "90", "--output-format", "json")
    short, long = (each["fit"] for each in json.loads(out.stdout)["prompts"])
    assert short["drops"] == []
    assert long["drops"][0] == {"tag": "pink bag", "because": "general", "tokens": 3}
    assert long["tokens"] <= long["limit"] == 90


@pytest.mark.parametrize("number", ["0", "-3", "many"])
def test_a_wrong_number_is_named(run, number):
    out = run("lint", "1girl", f"--fit={number}")
    assert out.returncode == 2
    assert "--fit" in out.stderr
