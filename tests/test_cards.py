"""Model cards: what they say, how they inherit, what is wrong with a broken one."""

import pytest

from tagkit.cards import (
    Regularisation,
    detector_cards,
    image_card,
    image_cards,
    recorded_card,
    tag_card,
    tag_cards,
    upscaler_cards,
)
from tagkit.errors import UserError
from tagkit.linting import lint
from tagkit.reporting.pages import card_page


def test_baxl_says_what_its_page_says():
    card = image_card("baxl-v3")
    assert (card.sampling.sampler, card.sampling.steps.default) == ("euler-a", 25)
    assert (card.sampling.cfg.min, card.sampling.cfg.max) == (4, 7)
    assert (card.size.min, card.size.max, card.size.step) == (768, 1792, 32)
    assert (card.hires.upscaler, card.hires.denoise.min, card.hires.denoise.max) == (
        "dat-x2", 0.4, 0.5,
    )  # fmt: skip
    assert [each.inject for each in card.prompt.overfit] == ["halo", "heterochromia", "focus"]
    assert card.prompt.order[0] == ("color_theme",)
    assert card.prompt.order[-1] == ("meta", "year", "rating", "quality")
    assert len(card.expand.ban) == 10
    assert card.training.learning_rate == 7.5e-6


def test_a_card_inherits_what_it_does_not_say():
    tiny, parent = image_card("tiny"), image_card("baxl-v3")
    assert tiny.prompt == parent.prompt
    assert tiny.size != parent.size
    assert tiny.training.source != parent.training.source
    assert tiny.training.regularisation == Regularisation()


@pytest.mark.parametrize(
    "card",
    [
        card
        for cards in (image_cards, tag_cards, upscaler_cards, detector_cards)
        for card in cards().values()
    ],
    ids=lambda card: card.name,
)
def test_every_card_says_whose_it_is(card):
    assert card.summary
    assert card.sources
    assert card.title


@pytest.mark.parametrize("card", image_cards().values(), ids=lambda card: card.name)
def test_every_figure_names_its_source(card):
    assert card.size.source
    assert card.sampling.steps.source
    assert card.sampling.cfg.source
    assert card.prompt.source


# Sampler, steps and CFG as (min, max): as far as the sources of the cards state them.
STATED = {
    "kohaku-epsilon": ((None, None), (None, None)),
    "kohaku-zeta": ((12, 50), (3.5, 6.5)),
    "animagine-xl-3.1": ((None, None), (None, None)),
    "animagine-xl-4.0": ((25, 28), (4, 7)),
    "illustrious-xl": ((20, 28), (5, 7.5)),
    "noobai-xl-eps": ((25, 30), (5, 6)),
    "noobai-xl-vpred": ((28, 35), (4, 5)),
    "pony-v6": ((None, None), (None, None)),
}


@pytest.mark.parametrize("name", STATED)
def test_ranges_are_those_of_the_sources_and_no_more(name):
    sampling = image_card(name).sampling
    steps, cfg = STATED[name]
    assert (sampling.steps.min, sampling.steps.max) == steps
    assert (sampling.cfg.min, sampling.cfg.max) == cfg
    for figure in (sampling.steps, sampling.cfg):
        assert figure.default is not None
        assert (figure.min or figure.default) <= figure.default <= (figure.max or figure.default)
        if figure.min is None and not figure.source.startswith("model page"):
            assert "tagkit's own" in figure.source


def test_only_stated_limits_count():
    limits = {name: card.prompt.limit for name, card in image_cards().items() if card.prompt.limit}
    assert limits == {"baxl-v3": 75, "kohaku-delta": 75, "kohaku-zeta": 300, "tiny": 75}


def test_what_makes_a_model_differ_from_its_family():
    vpred, eps = image_card("noobai-xl-vpred"), image_card("noobai-xl-eps")
    assert (eps.sampling.prediction, vpred.sampling.prediction) == ("epsilon", "v-prediction")
    assert (eps.sampling.zero_snr, vpred.sampling.zero_snr) == (False, True)
    assert (eps.sampling.sampler, vpred.sampling.sampler) == ("euler-a", "euler")
    assert vpred.prompt.order == eps.prompt.order
    assert image_card("pony-v6").sampling.clip_skip == 2
    assert image_card("pony-v6").prompt.negative == ""


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        ("kohaku-epsilon", "1girl, solo, smile, hat, masterpiece, newest, highres, safe"),
        ("animagine-xl-3.1", "1girl, solo, masterpiece, best quality, smile, very aesthetic, hat"),
        ("animagine-xl-4.0", "1girl, safe, smile, hat, masterpiece, high score, absurdres"),
        (
            "noobai-xl-eps",
            "masterpiece, best quality, newest, absurdres, highres, safe, 1girl, hat",
        ),
        ("noobai-xl-vpred", "1girl, solo, masterpiece, best quality, newest, smile, hat, highres"),
        ("pony-v6", "score_9, score_8_up, score_7_up, source_anime, 1girl, smile, rating_safe"),
        ("pony-v6", "score_9, score_8_up, 1girl, smile, source_anime"),
        ("illustrious-xl", "smile, masterpiece, 1girl, hat, safe, best quality, solo"),
    ],
)
def test_prompts_after_the_page_are_in_order(model, prompt):
    assert lint(prompt, "", model, select=["ORD", "FIT101"]).diagnostics == ()


@pytest.mark.parametrize(
    ("model", "prompt", "fixed"),
    [
        ("kohaku-epsilon", "masterpiece, 1girl, smile", "1girl, smile, masterpiece"),
        ("animagine-xl-4.0", "masterpiece, 1girl, smile, safe", "1girl, safe, smile, masterpiece"),
        ("noobai-xl-eps", "smile, 1girl, masterpiece", "1girl, masterpiece, smile"),
        ("pony-v6", "1girl, score_9, smile", "score_9, 1girl, smile"),
    ],
)
def test_other_prompts_are_sorted(model, prompt, fixed):
    assert lint(prompt, "", model, select=["ORD"]).fixed.positive == fixed


@pytest.mark.parametrize(
    ("model", "card"),
    [
        ("ponyDiffusionV6XL_v6StartWithThisOne", "pony-v6"),
        ("animagine-xl-4.0-opt", "animagine-xl-4.0"),
        ("NoobAI-XL-Vpred-v1.0", "noobai-xl-vpred"),
        ("Illustrious-XL-v0.1", "illustrious-xl"),
        ("someMerge_v3", None),
    ],
)
def test_records_name_their_card(model, card):
    found = recorded_card({"Model": model})
    assert (found.name if found else None) == card


def test_no_two_cards_share_a_name():
    names = [
        name.lower()
        for card in image_cards().values()
        for name in {card.name, *(alias.lower() for alias in card.aliases)}
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("card", tag_cards().values(), ids=lambda card: card.name)
def test_tag_cards_say_all_that_expanding_needs(card):
    minimums = [length.minimum for length in card.lengths.values()]
    assert [*card.lengths] == ["very-short", "short", "long", "very-long"]
    assert minimums == sorted(minimums)
    assert all(length.maximum is None or length.spare > 0 for length in card.lengths.values())
    assert card.licence.name
    assert card.weights.hub or card.weights.folder
    if card.special_tokens:
        assert {*card.tokens} <= {*card.special_tokens}
        ids = sorted(card.special_tokens.values())
        assert ids == [*range(32_000, 32_000 + len(ids))]


@pytest.mark.parametrize("card", [*image_cards().values(), *tag_cards().values()])
def test_the_page_of_a_card_says_all_of_it_in_plain_words(card):
    page = card_page(card.name)
    terms = (card.licence.name, *card.licence.terms) if card.licence else ()
    for said in (f"# {card.title} ({card.name})", *terms, *card.sources, *card.known_issues):
        assert said in page
    assert not any(mark in page for mark in ("('", "{'", "None", "[]"))


def test_a_page_that_does_not_exist_names_the_nearest():
    with pytest.raises(UserError, match="did you mean `tipo-200m`"):
        card_page("tipo-20m")


def test_an_unknown_card_names_the_nearest():
    with pytest.raises(UserError, match="did you mean `tiny`"):
        image_card("tinny")
    with pytest.raises(UserError, match="no tag card"):
        tag_card("gpt")


def write(folder, name, text):
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_a_card_of_ones_own(tmp_path):
    write(tmp_path, "merge", "card: image\nname: merge\nextends: baxl-v3\nprompt: {limit: 150}\n")
    card = image_card("merge", [tmp_path])
    assert card.prompt.limit == 150
    assert card.prompt.overfit == image_card("baxl-v3").prompt.overfit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("card: image\nname: bad\nprompt:\n  limitt: 3\n", r"limitt.*bad\.yaml:4.*`limit`"),
        ("card: image\nname: bad\nsampling: {cfg: {min: x}}\n", r"sampling\.cfg\.min.*bad\.yaml:3"),
        ("card: image\nname: [\n", r"bad\.yaml"),
        ("card: image\nname: other\n", "names itself wrongly"),
        ("card: image\nname: bad\nextends: bad\n", "extends itself"),
        ("card: image\nname: bad\nextends: nobody\n", "does not exist"),
        ("card: image\nname: bad\nname: bad\n", "stands twice"),
        ("", "bad"),
    ],
)
def test_a_broken_card_names_file_line_and_key(tmp_path, text, said):
    write(tmp_path, "bad", text)
    with pytest.raises(UserError) as caught:
        image_card("bad", [tmp_path])
    import re

    assert re.search(said, str(caught.value)), str(caught.value)
