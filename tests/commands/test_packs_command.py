"""Rule packs and cards of one's own on the command line, and the keys of tagkit.yaml for them."""

import json
from pathlib import Path

import pytest

PACK = Path(__file__).parents[2] / "examples" / "rules"
CARD = """\
card: image
name: my-merge
title: My Merge
extends: kohaku-delta
aliases: [mymerge_v1]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "my-merge.yaml").write_text(CARD, encoding="utf-8")
    settings = f"rules: ['{PACK.as_posix()}']\ncards: [cards]\n"
    (tmp_path / "tagkit.yaml").write_text(settings, encoding="utf-8")
    return tmp_path


def found(run, *args, cwd=None):
    out = run("lint", *args, "--output-format", "json", cwd=cwd)
    assert out.returncode in (0, 1), out.stderr
    return {each["code"] for each in json.loads(out.stdout)["diagnostics"]}


def test_a_pack_by_option(run):
    assert "STUDIO101" not in found(run, "1girl, suzu")
    assert "STUDIO101" in found(run, "1girl, suzu", "--rules", PACK)
    assert found(run, "1girl, suzu", "--rules", PACK, "--select", "STUDIO") == {"STUDIO101"}
    out = run("lint", "1girl, suzu", "--rules", PACK, "--output-format", "sarif")
    driver = json.loads(out.stdout)["runs"][0]["tool"]["driver"]
    assert "STUDIO101" in {each["id"] for each in driver["rules"]}


def test_only_tagkits_own_rules_have_a_page_in_it(run):
    out = run("lint", "1girl, suzu, suzu", "--rules", PACK, "--output-format", "json")
    pages = {each["code"]: each["url"] for each in json.loads(out.stdout)["diagnostics"]}
    assert (pages["STUDIO101"], pages["DUP101"]) == ("", "docs/rules/repeated-tag.md")


def test_a_pack_by_setting(run, folder):
    assert "STUDIO101" in found(run, "1girl, suzu", cwd=folder)
    assert "STUDIO101" in run("rules", cwd=folder).stdout
    assert "# house-words (STUDIO101)" in run("explain", "STUDIO101", cwd=folder).stdout


def test_a_broken_pack_is_an_error(run, tmp_path):
    (tmp_path / "rule.yaml").write_text("code: ABC101\n", encoding="utf-8")
    out = run("lint", "1girl", "--rules", tmp_path)
    assert out.returncode == 2
    assert "rule.yaml:1" in out.stderr


def test_the_examples_of_a_pack_are_tried(run, tmp_path):
    out = run("rules", "--check", PACK)
    assert (out.returncode, out.stdout) == (0, "4 rules, 11 examples: all hold\n")
    text = (PACK / "house-words.yaml").read_text(encoding="utf-8")
    (tmp_path / "house-words.yaml").write_text(text.replace('smile"\n', 'suzu"\n'))
    (tmp_path / "house-words.tsv").write_bytes((PACK / "house-words.tsv").read_bytes())
    out = run("rules", "--check", tmp_path)
    assert out.returncode == 1
    assert "house-words.yaml:18" in out.stderr


def test_a_card_of_ones_own_is_found_by_name_and_by_record(run, folder):
    assert "LEN101" not in found(run, "1girl", "--model", "my-merge", cwd=folder)
    assert "card `my-mergee`" in run("lint", "1girl", "--model", "my-mergee", cwd=folder).stderr
    record = "1girl, smile\nNegative prompt: hat\nSteps: 20, Size: 8x8, Model: mymerge_v1"
    out = run("lint", record, "--output-format", "json", cwd=folder)
    assert json.loads(out.stdout)["model"] == "my-merge"
    assert "# My Merge (my-merge)" in run("explain", "my-merge", cwd=folder).stdout
