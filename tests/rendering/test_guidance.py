from __future__ import annotations

import pytest

from tagkit.rendering.guidance import guidance

LONG = ", ".join(["blue hair"] * 40)


def test_a_plain_prompt_says_the_same_at_every_step():
    said = guidance("1girl, smile", "lowres", 20)
    assert [part.weight for part in said.positive] == [1.0]
    assert {said.positive[0].at(step) for step in range(20)} == {"1girl, smile"}
    assert said.negative.at(0) == "lowres"
    assert said.chunks == 1


def test_comments_and_lora_tags_say_nothing():
    assert guidance("1girl<lora:x:1># note", "a# b", 5) == guidance("1girl\n", "a\n", 5)


@pytest.mark.parametrize(("prompt", "negative"), [(LONG, "a"), ("a", LONG)])
def test_the_longer_prompt_decides_the_length(prompt, negative):
    assert guidance(prompt, negative, 5).chunks == 2


def test_break_begins_a_chunk():
    assert guidance("a BREAK b BREAK c", "", 5).chunks == 3


def test_and_parts_the_prompt_with_weights_and_not_the_negative():
    said = guidance("a :1.5 AND b :-0.5", "c AND d", 5)
    assert [(part.weight, part.at(0)) for part in said.positive] == [(1.5, "a"), (-0.5, " b")]
    assert said.negative.at(0) == "c AND d"


def test_a_schedule_switches_as_late_as_in_a1111():
    part = guidance("[a:b:3]", "", 10).positive[0]
    assert [part.at(step) for step in range(10)] == ["a"] * 4 + ["b"] * 6


def test_alternation_by_step():
    part = guidance("[a|b]", "", 6).positive[0]
    assert [part.at(step) for step in range(6)] == ["a", "a", "b", "a", "b", "a"]
