"""SUP101: comments that suppress nothing."""

import json

import pytest

import tagkit

HEAD = "# tagkit: allow DUP101, TAG104\n1girl, smile\nhat, hat\n"


def test_a_comment_at_the_head_is_used_if_one_prompt_needs_it(run, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text(HEAD)
    out = run("lint", path, "--fix", "--select", "DUP101,SUP101")
    assert out.returncode == 0
    assert path.read_text() == HEAD.replace(", TAG104", "")


def test_a_comment_goes_with_its_last_code_and_its_line(run, tmp_path):
    path = tmp_path / "p.txt"
    path.write_bytes(b"smile\r\n# tagkit: allow DUP101\r\nhat\r\n")
    run("lint", path, "--fix", "--select", "SUP101")
    assert path.read_bytes() == b"smile\r\nhat\r\n"


def test_it_is_no_part_of_a_prompt_in_json(run, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("smile\n# tagkit: allow DUP101\nhat\n")
    out = run("lint", path, "--select", "SUP101", "--output-format", "json")
    assert out.returncode == 0
    (found,) = json.loads(out.stdout)["diagnostics"]
    assert (found["in"], found["severity"]) == (None, "info")
    assert (found["start"]["line"], found["start"]["column"]) == (2, 17)
    assert found["fix"]["edits"] == [{"start": 6, "end": 29, "text": ""}]


def test_it_is_shown_at_its_line(run, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("smile\n# tagkit: allow DUP101\nhat\n")
    out = run("lint", path, "--select", "SUP101")
    assert f"{path}:2:17: info SUP101 [*] `DUP101` suppresses nothing here" in out.stdout


@pytest.mark.parametrize("ignored", [(), ("DUP",)])
def test_what_is_left_out_is_judged_all_the_same(ignored):
    found = tagkit.lint("# tagkit: allow DUP101\nhat, hat", ignore=[*ignored, "NEG", "FIT"])
    assert found.diagnostics == ()


def test_a_rule_that_needs_a_card_may_be_allowed_without_one():
    text = "# tagkit: allow ORD101\nmasterpiece, 1girl"
    assert tagkit.lint(text, model=None).diagnostics == ()


def test_fixes_of_the_prompt_and_of_the_comment_go_together():
    report = tagkit.lint("# tagkit: allow ORD101, SYN101\nmasterpiece, hat, hat, 1girl")
    assert report.fixed.positive == "# tagkit: allow ORD101\nmasterpiece, hat, 1girl"


def test_safety_rules_cannot_be_allowed():
    report = tagkit.lint("# tagkit: allow SAF101\nhat", select=["SUP"])
    assert [each.code for each in report.diagnostics] == ["SUP101"]
