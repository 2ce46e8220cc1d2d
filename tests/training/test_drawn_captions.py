from __future__ import annotations

from random import Random

import pytest

from tagkit.cards import Captions
from tagkit.training.captions import drawn_caption, is_fixed

CAPTION = "suzu, 1girl, smile, hat, long hair, outdoors"


def readings(captions, caption=CAPTION, count=300):
    random = Random(1)
    return [drawn_caption(caption, captions, random).split(", ") for _ in range(count)]


def test_nothing_asked_nothing_changed():
    assert drawn_caption(CAPTION, Captions(), Random(1)) == CAPTION


def test_shuffling_keeps_the_first_tags_in_place():
    drawn = readings(Captions(shuffle=True, keep_tokens=2))
    assert {tuple(each[:2]) for each in drawn} == {("suzu", "1girl")}
    assert {frozenset(each) for each in drawn} == {frozenset(CAPTION.split(", "))}
    assert len({tuple(each) for each in drawn}) == 24


def test_tags_are_dropped_as_often_as_said_and_kept_ones_never():
    drawn = readings(Captions(tag_dropout=0.25, keep_tokens=1), count=2000)
    assert all(each[0] == "suzu" for each in drawn)
    for tag in ("1girl", "outdoors"):
        assert sum(tag in each for each in drawn) / 2000 == pytest.approx(0.75, abs=0.03)


def test_whole_captions_are_dropped_as_often_as_said():
    drawn = readings(Captions(dropout=0.1), count=2000)
    assert sum(each == [""] for each in drawn) / 2000 == pytest.approx(0.1, abs=0.02)


def test_bars_part_what_stays():
    drawn = readings(Captions(shuffle=True), "suzu, 1girl ||| hat, smile, cat ||| best quality")
    assert {tuple(each[:2]) for each in drawn} == {("suzu", "1girl")}
    assert {each[-1] for each in drawn} == {"best quality"}
    assert len({tuple(each) for each in drawn}) == 6


def test_captions_are_fixed_unless_their_tags_are_drawn():
    assert is_fixed(Captions(dropout=0.1, keep_tokens=1))
    assert not is_fixed(Captions(shuffle=True))
    assert not is_fixed(Captions(tag_dropout=0.1))
