"""`--output-format` and `--statistics`: findings for people, code hosts and programs."""

import json
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from sarif_checks import check_log

from tagkit.documents import parse_document
from tagkit.linting.batch import LintedDocument, LintedPrompt
from tagkit.linting.diagnostics import Diagnostic
from tagkit.linting.linter import UNKNOWN_MODEL, Report, Texts
from tagkit.reporting.github import github
from tagkit.spans import Span

TEXT = "# mine\r\n1girl, 🎀 bow, 1girl, (smile:1,2)\r\n"


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "my prompts, 100%.txt"
    file.write_bytes(TEXT.encode())
    return file


def lint(run, path, form):
    selection = ("--select", "DUP101,SYN102")
    return run("lint", path.name, "--output-format", form, *selection, cwd=path.parent)


def test_concise_is_a_line_a_finding(run, path):
    out = lint(run, path, form="concise")
    assert out.returncode == 1
    why = "`(smile:1,2)` has a decimal comma; weights want a point"
    assert out.stdout.splitlines() == [
        f"{path.name}:2:15: warning DUP101 [*] `1girl` is said twice",
        f"{path.name}:2:22: error SYN102 [*] {why}",
        "Found 1 error, 1 warning in 1 prompt. [*] 2 fixable with --fix.",
    ]


def test_github_annotates_the_place(run, path):
    first, second = lint(run, path, form="github").stdout.splitlines()
    name = "my prompts%2C 100%25.txt"
    assert first == (
        f"::warning file={name},line=2,col=15,endLine=2,endColumn=20,"
        "title=DUP101 repeated-tag::`1girl` is said twice"
    )
    assert second.startswith(f"::error file={name},line=2,col=2")


def document_of(message, span, severity="info"):
    document = parse_document("a,\nb", "c:\\x,y.txt")
    found = Diagnostic("ABC101", "some-name", severity, message, "positive", span)
    report = Report((found,), Texts("", "", ""), (), UNKNOWN_MODEL, "a1111")
    return LintedDocument(document, (LintedPrompt(document.records[0], "", "", report),))


def test_github_escapes_what_would_break_the_command():
    (line,) = github([document_of("50% of `a::b`,\r\nreally", Span(0, 1))])
    assert line == (
        "::notice file=c%3A\\x%2Cy.txt,line=1,col=1,endLine=1,endColumn=2,"
        "title=ABC101 some-name::50%25 of `a::b`,%0D%0Areally"
    )


def test_github_gives_no_end_column_over_several_lines():
    (line,) = github([document_of("x", Span(1, 4))])
    assert "line=1,col=2,endLine=2,title=" in line


def test_sarif_is_valid(run, path):
    log = json.loads(lint(run, path, form="sarif").stdout)
    check_log(log)
    results = log["runs"][0]["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("DUP101", "warning"),
        ("SYN102", "error"),
    ]


def test_sarif_counts_code_points_of_the_decoded_file(run, path):
    log = json.loads(lint(run, path, form="sarif").stdout)
    assert log["runs"][0]["columnKind"] == "unicodeCodePoints"
    repeated = log["runs"][0]["results"][0]
    region = repeated["locations"][0]["physicalLocation"]["region"]
    line = TEXT.split("\r\n")[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "1girl"
    (replacement,) = repeated["fixes"][0]["artifactChanges"][0]["replacements"]
    start, length = replacement["deletedRegion"].values()
    fixed = TEXT[:start] + replacement["insertedContent"]["text"] + TEXT[start + length :]
    assert fixed == TEXT.replace("bow, 1girl,", "bow,")


@pytest.mark.parametrize("absolute", [True, False])
def test_sarif_names_files_as_uris(run, path, absolute):
    argument = path if absolute else path.name
    out = run("lint", argument, "--output-format", "sarif", "--select", "DUP", cwd=path.parent)
    location = json.loads(out.stdout)["runs"][0]["results"][0]["locations"][0]
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert urlparse(uri).scheme == ("file" if absolute else "")
    assert Path(unquote(urlparse(uri).path)) == (path if absolute else Path(path.name))


def test_sarif_of_stdin_and_of_nothing_found(run):
    out = run("lint", "-", "--output-format", "sarif", stdin="1girl, 1girl\n")
    check_log(json.loads(out.stdout))
    out = run("lint", "1girl", "--output-format", "sarif", "--select", "DUP")
    log = json.loads(out.stdout)
    check_log(log)
    assert (out.returncode, log["runs"][0]["results"]) == (0, [])


def test_every_rule_of_sarif_is_a_rule_of_tagkit(run):
    out = run("lint", "1girl", "--output-format", "sarif")
    named = {each["id"] for each in json.loads(out.stdout)["runs"][0]["tool"]["driver"]["rules"]}
    listed = run("rules")
    assert named <= set(listed.stdout.split())
    assert "DUP101" in named


def test_statistics_count_by_rule(run, tmp_path):
    file = tmp_path / "p.txt"
    file.write_text("1girl, 1girl, smile, smile\n\n1girl, (smile:1,2), 1girl\n", encoding="utf-8")
    out = run("lint", file, "--statistics", "--select", "DUP101,SYN102")
    assert out.returncode == 1
    assert out.stdout == (
        "3 DUP101 repeated-tag [*] 3 fixable\n1 SYN102 malformed-weight [*] 1 fixable\n"
    )
    out = run("lint", file, "--statistics", "--select", "DUP101", "--output-format", "json")
    assert json.loads(out.stdout)["statistics"] == [
        {"code": "DUP101", "name": "repeated-tag", "count": 3, "fixable": 3}
    ]


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_statistics_have_no_form_for_code_hosts(run, form):
    out = run("lint", "1girl", "--statistics", "--output-format", form)
    assert out.returncode == 2
    assert "--statistics" in out.stderr


def test_several_files_are_one_report(run, tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("1girl, 1girl\n", encoding="utf-8")
    out = run("lint", tmp_path, "--output-format", "sarif", "--select", "DUP101")
    log = json.loads(out.stdout)
    check_log(log)
    uris = [
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"][-5:]
        for each in log["runs"][0]["results"]
    ]
    assert uris == ["a.txt", "b.txt"]
