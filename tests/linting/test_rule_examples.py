"""Every rule's own examples, both ways."""

import pytest

from tagkit.data import data_folder
from tagkit.linting.examples import lint_alone
from tagkit.linting.matchers import MATCHERS
from tagkit.packs import Pass, shipped_rules

RULES = shipped_rules()
FLAGGED = [
    pytest.param(rule, each, id=f"{rule.code}-{number}")
    for rule in RULES
    for number, each in enumerate(rule.examples)
]
PASSES = [
    pytest.param(rule, Pass(each) if isinstance(each, str) else each, id=f"{rule.code}-{number}")
    for rule in RULES
    for number, each in enumerate(rule.passes)
]


@pytest.mark.parametrize(("rule", "example"), FLAGGED)
def test_flagged(rule, example):
    report = lint_alone(rule, example.flagged, example.negative, example.model)
    assert report.diagnostics
    for expected, fixed in (
        (example.fixed, report.fixed.positive),
        (example.fixed_negative, report.fixed.negative),
        (example.fixed_settings, report.fixed.settings),
    ):
        assert expected is None or fixed == expected


@pytest.mark.parametrize(("rule", "example"), FLAGGED)
def test_a_fix_cures_what_it_was_made_for(rule, example):
    """What is left after fixing has no fix."""
    report = lint_alone(rule, example.flagged, example.negative, example.model)
    after = lint_alone(
        rule,
        "\n".join(filter(None, (report.fixed.positive, report.fixed.settings))),
        report.fixed.negative or example.negative,
        example.model,
    )
    assert [each for each in after.diagnostics if each.fix and each.where != "settings"] == []


@pytest.mark.parametrize(("rule", "example"), PASSES)
def test_passes(rule, example):
    report = lint_alone(rule, example.text, example.negative, example.model)
    assert report.diagnostics == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_shows_itself(rule):
    assert rule.examples
    assert rule.passes
    assert rule.sources
    assert rule.kind in MATCHERS
    if rule.fix:
        results = ("fixed", "fixed_negative", "fixed_settings")
        assert any(getattr(each, name) for each in rule.examples for name in results)


def test_every_matcher_serves_a_rule():
    assert {rule.kind for rule in RULES} == set(MATCHERS)


def test_rules_lie_in_folders_by_subject():
    subjects: dict[str, set[str]] = {}
    for path in data_folder("rules").glob("*/*.yaml"):
        subjects.setdefault(path.stem[:3], set()).add(path.parent.name)
    assert all(len(folders) == 1 for folders in subjects.values())
