"""Rule files: found, ordered, and named when broken."""

from pathlib import Path

import pytest

from tagkit.errors import UserError
from tagkit.packs import _read, find_rule, selected, shipped_rules

GOOD = """\
code: ABC101
name: some-thing
since: "0.1"
severity: info
summary: A thing.
why: Because.
kind: repeated
messages: {found: "`{tag}`"}
examples: [{flagged: "a, a"}]
passes: ["a"]
"""


def test_codes_and_names_are_unique():
    rules = shipped_rules()
    assert [rule.code for rule in rules] == sorted({rule.code for rule in rules})
    assert len({rule.name for rule in rules}) == len(rules)


def test_find_by_code_and_name():
    rules = shipped_rules()
    assert find_rule("ord101", rules) is find_rule("tag-order", rules)
    with pytest.raises(UserError, match="ORD101"):
        find_rule("ORD110", rules)


def test_prefixes_select():
    chosen = selected(shipped_rules(), ["SYN", "DUP101"], ["SYN102", "SAF"])
    assert {rule.code[:3] for rule in chosen if not rule.always} == {"SYN", "DUP"}
    assert "SYN102" not in {rule.code for rule in chosen}
    assert [rule.code for rule in chosen if rule.always] == ["SAF101"], "nothing switches it off"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("severity: info", "severity: loud"), "severity"),
        (("kind: repeated", "kindd: repeated"), "kindd"),
        (("code: ABC101", "code: ABC102"), "misnamed"),
        (("passes:", "passes: ["), "YAML"),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, change, said):
    path = tmp_path / "ABC101-some-thing.yaml"
    path.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(UserError, match=said) as caught:
        _read([path])
    assert "ABC101-some-thing.yaml" in str(caught.value)


def test_a_good_rule_is_read(tmp_path: Path):
    path = tmp_path / "ABC101-some-thing.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert [rule.code for rule in _read([path])] == ["ABC101"]


def test_an_error_inside_a_mapping_is_named_too(tmp_path: Path):
    path = tmp_path / "ABC101-some-thing.yaml"
    path.write_text(GOOD.replace('{found: "`{tag}`"}', "{found: 3}"), encoding="utf-8")
    with pytest.raises(UserError, match="messages") as caught:
        _read([path])
    assert "ABC101-some-thing.yaml:8" in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000])
def test_endless_nesting_is_an_error_not_a_crash(tmp_path: Path, text):
    path = tmp_path / "ABC101-some-thing.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"ABC101-some-thing\.yaml"):
        _read([path])
