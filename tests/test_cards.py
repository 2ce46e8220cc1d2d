"""Model cards: what they say, how they inherit, what is wrong with a broken one."""

import pytest

from tagkit.cards import image_card, image_cards, tag_card, tag_cards
from tagkit.errors import UserError


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
    assert card.training["learning_rate"] == 7.5e-6


def test_a_card_inherits_what_it_does_not_say():
    tiny, parent = image_card("tiny"), image_card("baxl-v3")
    assert tiny.prompt == parent.prompt
    assert tiny.size != parent.size
    assert tiny.training == {}


@pytest.mark.parametrize("card", [*image_cards().values(), *tag_cards().values()])
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
