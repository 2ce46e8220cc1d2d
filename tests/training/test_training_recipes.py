from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tagkit.cards import image_card
from tagkit.errors import UserError
from tagkit.settings import Settings
from tagkit.training.plan import make_plan
from tagkit.training.recipe import differences, read_recipe


def test_a_card_gives_what_the_recipe_leaves_out(recipe):
    said = read_recipe(recipe(extends="baxl-v3", batch_size=4, model="")).recipe
    assert (said.optimizer.name, said.optimizer.betas) == ("lion-8bit", (0.9, 0.95))
    assert (said.gradient_accumulation, said.batch_size) == (32, 4)
    assert (said.schedule.name, said.schedule.warmup_steps) == ("constant", 100)
    assert (said.precision.mixed, said.precision.full) == ("fp16", "fp16")
    assert said.loss.min_snr_gamma == 5
    assert (said.captions.shuffle, said.captions.tag_dropout) == (True, 0.1)
    assert said.regularisation.class_token == "solo"
    assert said.learning_rate == 0.001  # what the recipe says itself


def test_the_card_of_baxl_says_how_it_was_trained():
    training = image_card("baxl-v3").training
    assert (training.buckets.min, training.buckets.max, training.buckets.step) == (256, 4096, 32)
    assert training.images == 574
    assert training.trained == "unet"


def test_captions_are_judged_by_the_card_that_it_extends(recipe, tmp_path):
    path = tmp_path / "bare.yaml"
    path.write_text("extends: baxl-v3\nfrom: a\ndata: [{folder: a}]\nmax_steps: 1\n")
    assert read_recipe(path).recipe.model == "baxl-v3"
    assert read_recipe(path, ["model=tiny"]).recipe.model == "tiny"


def test_set_reaches_into_blocks_and_takes_numbers_as_people_write_them(recipe):
    settings = ["optimizer.name=lion", "optimizer.betas=[0.9, 0.99]", "learning_rate=1e-4"]
    said = read_recipe(recipe(), settings).recipe
    assert (said.optimizer.name, said.optimizer.betas) == ("lion", (0.9, 0.99))
    assert said.learning_rate == 1e-4


def test_a_recipe_of_another_folder_keeps_its_own_paths(recipe, pictures, tmp_path):
    recipe("below", seed=3)
    above = tmp_path / "deeper" / "above.yaml"
    above.parent.mkdir()
    above.write_text("extends: ../below.yaml\nmax_steps: 9\n")
    read = read_recipe(above)
    assert (read.recipe.max_steps, read.recipe.seed) == (9, 3)
    assert read.found(read.recipe.data[0].folder).samefile(pictures)


@pytest.mark.parametrize(
    ("text", "what", "line", "hint"),
    [
        ("max_step: 3", "unknown key `max_step`", 1, "did you mean `max_steps`"),
        ("seed: 1\noptimizer:\n  nam: lion", "unknown key `nam`", 3, "did you mean `name`"),
        ("1girl, solo", "expected keys with values, got `str`", 1, "max_steps"),
        ("optimizer: {name: sgd}", "invalid enum value 'sgd'", 1, ""),
        ("batch_size: 0", "`batch_size`", 1, ""),
        ("max_steps: 1\nfrom: b\nlint: on\ndata: [{folder: a}]", "`lint: true`", 3, "warning"),
        ("buckets: {step: 12}", "buckets.step", 1, ""),
        ("extends: baxl-v4", "`extends: baxl-v4` names no card", 1, "did you mean `baxl-v3`"),
        ("extends: pony-v6", "does not say how it was trained", 1, ""),
        ("extends: gone.yaml", "there is no recipe", 1, ""),
        ("max_steps: 3", "names no pictures", 1, "data:"),
        ("data: [{folder: a}]", "what to start from", 1, "from:"),
        ("data: [{folder: a}]\nfrom: b", "how long to train", 1, "max_steps"),
        (
            "data: [{folder: a}]\nfrom: b\nepochs: 1\nbuckets:\n  min: 512\n  max: 256",
            "smallest side of the buckets",
            5,
            "256",
        ),
        (
            "data: [{folder: a}]\nfrom: b\nepochs: 1\nprecision: {mixed: bf16, full: fp16}",
            "cannot be calculated with in bf16",
            4,
            "",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, what, line, hint):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_recipe(path)
    assert what in caught.value.what
    assert caught.value.where.startswith(f"{path}:{line}")
    assert hint in caught.value.hint


@pytest.mark.parametrize("setting", ["max_steps", "=3", "optimizer.nam=lion", "batch_size=many"])
def test_a_wrong_setting_is_named(recipe, setting):
    with pytest.raises(UserError, match=f"--set {setting}"):
        read_recipe(recipe(), [setting])


def test_a_circle_is_an_error(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(UserError, match="extends itself"):
        read_recipe(tmp_path / "a.yaml")


def test_differences_are_told_key_by_key(recipe):
    before = msgspec.to_builtins(read_recipe(recipe()).recipe)
    now = msgspec.to_builtins(read_recipe(recipe(), ["optimizer.name=lion", "seed=2"]).recipe)
    assert differences(before, now) == [
        "optimizer: as usual -> {'name': 'lion'}",
        "seed: as usual -> 2",
    ]
    assert differences(now, now) == []


EXAMPLES = Path(__file__).parents[2] / "examples" / "train"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_recipes(path):
    assert read_recipe(path).recipe.data


def test_the_tiny_example_has_pictures_that_nobody_resizes():
    plan = make_plan(read_recipe(EXAMPLES / "tiny.yaml"), Settings())
    assert {*plan.buckets} == {(128, 128)}
    assert {(each.width, each.height) for each in plan.pictures} == {(128, 128)}
    assert plan.warnings == ()
