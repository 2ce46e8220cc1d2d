"""Rule packs of users: what is wrong in one is named with file and line."""

from pathlib import Path

import pytest

from tagkit.errors import UserError
from tagkit.linting import Linter, Report
from tagkit.linting.examples import wrong_examples
from tagkit.linting.linter import record_of
from tagkit.linting.matchers import MATCHERS
from tagkit.linting.own_rules import KINDS, all_rules, own_rules, written_rules
from tagkit.packs import shipped_rules

EXAMPLE = Path(__file__).parents[2] / "examples" / "rules"
GOOD = """\
code: ABC101
name: some-thing
severity: info
summary: A thing.
why: Because.
kind: listed
with: {tags: [Bad_Word]}
messages: {found: "`{tag}`"}
examples: [{flagged: "1girl, bad word"}]
passes: ["1girl"]
"""


@pytest.fixture
def pack(tmp_path):
    """Writes a pack of one rule: the good one with changes, and tables beside it."""

    def write(*changes, **tables):
        text = GOOD
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "rule.yaml").write_text(text, encoding="utf-8")
        for name, table in tables.items():
            (tmp_path / f"{name}.tsv").write_text(table, encoding="utf-8")
        return tmp_path

    return write


def linted(folder, text) -> Report:
    linter = Linter(None, own_rules([folder]), fixes=("safe", "unsafe"))
    return linter.lint(record_of(text, None))


def test_the_example_pack_holds():
    written = written_rules([EXAMPLE])
    assert [each.rule.code for each in written] == [f"STUDIO10{number}" for number in range(1, 5)]
    assert [error for each in written for error in wrong_examples(each)] == []


def test_packs_stand_beside_the_shipped_rules(pack):
    rules = all_rules([pack()])
    assert [rule.code for rule in rules] == sorted(rule.code for rule in rules)
    assert len(rules) == len(shipped_rules()) + 1


def test_a_file_is_a_pack_too_and_named_twice_is_one(pack):
    file = pack() / "rule.yaml"
    assert [rule.code for rule in own_rules([file, file])] == ["ABC101"]


def test_names_are_found_however_they_are_spelt(pack):
    assert [each.code for each in linted(pack(), "1girl, bad_word").diagnostics] == ["ABC101"]


def test_brackets_of_a_replacement_are_escaped(pack):
    table = ("with: {tags: [Bad_Word]}", "with: {table: words.tsv}\nfix: {title: x, safety: safe}")
    folder = pack(table, words="tag\tinstead\nhoshino\thoshino (blue archive)\n")
    fixed = linted(folder, "1girl, (Hoshino:1.2), [hoshino:x:3]").fixed.positive
    assert fixed == r"1girl, (hoshino \(blue archive\):1.2), [hoshino:x:3]"


LISTED = "with: {tags: [Bad_Word]}"
CIRCLE = "child\tparent\na\tb\nb\ta\n"


@pytest.mark.parametrize(
    ("change", "tables", "line", "said"),
    [
        (("kind: listed", "kindd: listed"), {}, "rule.yaml:6", "unknown key `kindd`"),
        (("kind: listed", "kind: order"), {}, "rule.yaml:6", "kinds for packs: exclusive"),
        (("kind: listed", "kind: lsted"), {}, "rule.yaml:6", "did you mean `listed`"),
        ((LISTED, "with: {tagz: [a]}"), {}, "rule.yaml:7", "did you mean `tags`"),
        ((LISTED, "with: {tags: a}"), {}, "rule.yaml:7", "array"),
        ((LISTED, "with: {patterns: ['(a']}"), {}, "rule.yaml:7", "ABC101: `(a` is no valid"),
        ((LISTED, "with: {list: fruits}"), {}, "rule.yaml:7", "fruits"),
        ((LISTED, "with: {table: other.tsv}"), {}, "rule.yaml:7", "no table `other.tsv`"),
        ((LISTED, "with: {table: t.tsv}"), {"t": "hat\nred hat\n"}, "t.tsv:1", "columns"),
        ((LISTED, "with: {table: t.tsv}"), {"t": "tag\nred_hat\n"}, "t.tsv:2", "red hat"),
        ((LISTED, "with: {table: t.tsv}"), {"t": "tag\na\tb\tc\n"}, "t.tsv:2", "1 or 2"),
        (("ABC101", "DUP101"), {}, "rule.yaml:1", "tagkit already"),
        (("some-thing", "tag-order"), {}, "rule.yaml:1", "tagkit already"),
        (("ABC101", "abc1"), {}, "rule.yaml:1", "three digits"),
        (("`{tag}`", "`{tagg}`"), {}, "rule.yaml:8", "{tag}"),
        (("`{tag}`", "`{tag.__class__}`"), {}, "rule.yaml:8", "holes"),
        (("`{tag}`", "`{tag"), {}, "rule.yaml:8", "expected '}'"),
        (("{found:", "{fond:"), {}, "rule.yaml:8", "no message `found`"),
        (("why:", "always: true\nwhy:"), {}, "rule.yaml:5", "always"),
        (("kind: listed", "kind: listed: x"), {}, "rule.yaml:6", "YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(pack, change, tables, line, said):
    with pytest.raises(UserError) as caught:
        own_rules([pack(change, **tables)])
    assert line in caught.value.where
    assert said in str(caught.value)


def test_a_circle_in_a_table_is_named(pack):
    folder = pack(("kind: listed", "kind: implied"), (LISTED, "with: {table: t.tsv}"), t=CIRCLE)
    with pytest.raises(UserError, match="implies itself") as caught:
        own_rules([folder])
    assert "t.tsv:2" in caught.value.where
    assert "rule.yaml:7" in caught.value.where


def test_two_packs_must_not_clash(pack, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "rule.yaml"
    other.write_text(GOOD, encoding="utf-8")
    with pytest.raises(UserError, match=r"`ABC101` is a rule of .*rule\.yaml:1 already"):
        own_rules([pack(), other])


def test_a_pattern_without_end_is_stopped_and_named(pack):
    folder = pack((LISTED, "with: {patterns: ['(a|aa)+b(?=c)']}"))
    with pytest.raises(UserError, match=r"ABC101: pattern `.*` does not come to an end"):
        linted(folder, f"1girl, {'a' * 60}")


def test_no_pack_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UserError, match="no rule pack"):
            own_rules([path])


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (('flagged: "1girl, bad word"', 'flagged: "1girl"'), "rule.yaml:9", "nothing is found"),
        (('passes: ["1girl"]', 'passes: ["bad word"]'), "rule.yaml:10", "does not pass"),
        (('bad word"}', 'bad word", fixed: "x"}'), "rule.yaml:9", "becomes"),
    ],
)
def test_a_wrong_example_is_named_with_its_line(pack, change, line, said):
    (written,) = written_rules([pack(change)])
    (error,) = wrong_examples(written)
    assert error.where.endswith(line)
    assert said in error.what


def test_the_kinds_for_packs_are_matchers():
    assert KINDS.keys() <= MATCHERS.keys()
