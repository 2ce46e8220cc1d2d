from __future__ import annotations

import pytest

from tagkit.cards import image_cards
from tagkit.infotext import sampler_and_schedule
from tagkit.rendering.sampler_names import (
    SAMPLER_NAMES,
    SCHEDULER_NAMES,
    sampler_label,
    sampler_named,
    scheduled_steps,
    scheduler_label,
    scheduler_named,
)


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_a_name_survives_the_infotext(sampler):
    assert sampler_named(sampler_label(sampler)) == sampler


@pytest.mark.parametrize("scheduler", SCHEDULER_NAMES[1:])
def test_a_schedule_survives_the_infotext(scheduler):
    label = scheduler_label("euler", scheduler)
    assert scheduler_named("euler", label) == scheduler
    assert scheduler_named("euler", label.lower()) == scheduler


@pytest.mark.parametrize(
    ("sampler", "label"),
    [
        ("euler-a", "Automatic"),
        ("dpm++-2m", "Karras"),
        ("dpm++-2m-sde", "Exponential"),
        ("dpm++-sde", "Karras"),
        ("dpm++-2s-a", "Karras"),
        ("unipc", "Automatic"),
        ("ddim", "Automatic"),
    ],
)
def test_the_schedule_that_automatic_chose_is_written(sampler, label):
    assert scheduler_label(sampler, "automatic") == label


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"Sampler": "DPM++ 2M", "Schedule type": "Karras"}, ("dpm++-2m", "karras")),
        ({"Sampler": "DPM++ 2M Karras"}, ("dpm++-2m", "karras")),
        ({"Sampler": "DPM++ 2M SDE Exponential"}, ("dpm++-2m-sde", "exponential")),
        ({"Sampler": "DPM++ 2M"}, ("dpm++-2m", "uniform")),
        ({"Sampler": "DPM++ 2M", "Schedule type": "Automatic"}, ("dpm++-2m", "automatic")),
        ({"Sampler": "Euler a"}, ("euler-a", "automatic")),
        ({"Sampler": "Euler", "Schedule type": "SGM Uniform"}, ("euler", "sgm-uniform")),
        ({"Sampler": "UniPC", "Schedule type": "Karras"}, ("unipc", "automatic")),
        ({"Sampler": "Euler", "Schedule type": "Beta"}, ("euler", None)),
    ],
)
def test_records_are_read_in_every_spelling(settings, expected):
    label, schedule = sampler_and_schedule(settings)
    sampler = sampler_named(label)
    assert (sampler, scheduler_named(sampler, schedule)) == expected


def test_a_sampler_that_tagkit_has_not_has_no_name():
    assert sampler_named("DPM adaptive") is None


def test_a_second_evaluation_counts_for_the_schedule_of_a_prompt():
    assert scheduled_steps("dpm++-sde", 20) == scheduled_steps("dpm++-2s-a", 20) == 40
    assert scheduled_steps("dpm++-2m", 20) == 20


def test_every_card_names_samplers_that_there_are():
    for card in image_cards().values():
        assert card.sampling.sampler in SAMPLER_NAMES
        assert card.sampling.scheduler in SCHEDULER_NAMES
