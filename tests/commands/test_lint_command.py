"""`tagkit lint` as users run it."""

import json

import pytest

GOOD = (
    "1girl, long hair, masterpiece\nNegative prompt: lowres, error, worst quality, low quality, "
    "jpeg artifacts, watermark, signature, username, halo, heterochromia, focus\n"
)


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="p.txt"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write_file


def test_a_clean_file(run, write):
    out = run("lint", write(GOOD))
    assert (out.returncode, out.stdout) == (0, "No problems in 1 prompt.\n")
    assert out.stderr == "model: baxl-v3 (default)\n"


def test_findings_point_at_the_place(run, write):
    path = write("# mine\n1girl, solo, 1girl\n")
    out = run("lint", path, "--select", "DUP")
    assert out.returncode == 1
    assert out.stdout == (
        f"{path}:2:14: warning DUP101 [*] `1girl` is said twice\n"
        "  |\n"
        "2 | 1girl, solo, 1girl\n"
        "  |              ^^^^^\n"
        "  = fix: remove the second `1girl`\n"
        "\n"
        "Found 1 warning in 1 prompt. [*] 1 fixable with --fix.\n"
    )


def test_carets_stand_under_wide_and_combining_characters(run, write):
    out = run("lint", write("日本, cafe\u0301, 1girl, 1girl\n"), "--select", "DUP")
    line, carets = out.stdout.splitlines()[2:4]
    assert line.endswith("1girl, 1girl")
    # 4 columns of wide letters, a combining accent that takes none
    assert carets == "  | " + " " * len("日本, cafe, 1girl, ") + "  " + "^^^^^"


def test_a_very_long_line_is_shown_in_a_window(run, write):
    words = ", ".join(f"word{n}" for n in range(500))
    out = run("lint", write(f"{words}, word499\n"), "--select", "DUP")
    assert max(map(len, out.stdout.splitlines())) < 200
    assert "word499" in out.stdout


def test_fix_changes_only_what_it_must(run, write):
    before = "\ufeff# mine\r\n1girl, solo, 1girl\r\n\r\n---\r\n\r\n日本語 test, 1girl\r\n"
    path = write(before)
    path.chmod(0o640)
    out = run("lint", path, "--fix", "--select", "DUP101")
    assert out.returncode == 0
    assert path.read_bytes().decode() == before.replace("solo, 1girl", "solo")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["p.txt"]


def test_fix_writes_the_negative_of_a_single_prompt(run, write):
    path = write("masterpiece, 1girl\r\n")
    assert run("lint", path, "--fix").returncode == 0
    positive, negative = path.read_bytes().decode().splitlines()
    assert positive == "1girl, masterpiece"
    assert negative.startswith("Negative prompt: lowres, error")
    assert negative.endswith("halo, heterochromia, focus")
    assert run("lint", path).stdout == "No problems in 1 prompt.\n"


def test_many_prompts_get_negatives_only_when_asked(run, write):
    text = "masterpiece, 1girl\n1girl, halo\n"
    path = write(text)
    run("lint", path, "--fix")
    assert path.read_text() == "1girl, masterpiece\n1girl, halo\n"
    run("lint", path, "--fix", "--add-negative")
    doc = json.loads(run("lint", path, "--output-format", "json").stdout)
    texts = [each["positive"]["text"] for each in doc["prompts"]]
    assert texts == ["1girl, masterpiece", "1girl, halo"]
    assert ["halo" in each["negative"]["text"] for each in doc["prompts"]] == [True, False]


def test_unsafe_fixes_are_asked_for(run, write):
    path = write("1girl, sketch\n")
    run("lint", path, "--fix", "--select", "FIT102")
    assert path.read_text() == "1girl, sketch\n"
    run("lint", path, "--fix", "--unsafe-fixes", "--select", "FIT102")
    assert path.read_text() == "1girl\n"


def test_diff_changes_nothing(run, write):
    path = write("masterpiece, 1girl\n")
    out = run("lint", path, "--diff", "--select", "ORD")
    assert "-masterpiece, 1girl\n+1girl, masterpiece\n" in out.stdout
    assert path.read_text() == "masterpiece, 1girl\n"


def test_stdin_comes_back_on_stdout(run):
    out = run("lint", "-", "--fix", "--select", "DUP,ORD", stdin="masterpiece, 1girl, 1girl\n")
    assert out.stdout == "1girl, masterpiece\n"
    assert "No problems" in out.stderr


def test_text_as_an_argument(run):
    out = run("lint", "1girl, 1girl")
    assert "<text>:1:8: warning DUP101" in out.stdout


def test_a_folder_means_its_text_files(run, write):
    write("1girl, 1girl", "a.txt")
    folder = write("1girl, 1girl", "b.txt").parent
    write("1girl, 1girl", "c.md")
    doc = json.loads(run("lint", folder, "--output-format", "json").stdout)
    assert [each["path"][-5:] for each in doc["prompts"]] == ["a.txt", "b.txt"]


def test_json_offsets_count_in_the_decoded_file(run, write):
    text = "# x\r\n1girl, 1girl\r\n"
    doc = json.loads(run("lint", write("\ufeff" + text), "--output-format", "json").stdout)
    found = next(each for each in doc["diagnostics"] if each["code"] == "DUP101")
    assert (found["start"]["line"], found["start"]["column"]) == (2, 8)
    assert text[found["start"]["offset"] : found["end"]["offset"]] == "1girl"
    edit = found["fix"]["edits"][0]
    assert text[: edit["start"]] + edit["text"] + text[edit["end"] :] == "# x\r\n1girl\r\n"
    assert doc["summary"] == {"prompts": 1, "errors": 0, "warnings": 1, "infos": 2, "fixable": 3}


def test_the_missing_negative_is_said_once_a_file(run, write):
    doc = json.loads(run("lint", write("1girl\n1girl, hat\n"), "--output-format", "json").stdout)
    assert sorted(each["code"] for each in doc["diagnostics"]) == ["NEG101", "NEG102"]
    assert all(each["fixed"]["negative"] for each in doc["prompts"])


@pytest.mark.parametrize(
    ("settings", "model", "codes"),
    [
        ("Model: tiny", "tiny", {"FIT104", "ORD101"}),
        ("Model: somethingElse_v2", "somethingElse_v2", set()),
        ("Model hash: 0123456789", "0123456789", set()),
    ],
)
def test_a_record_names_its_model(run, write, settings, model, codes):
    line = f"Steps: 25, CFG scale: 9, {settings}"
    path = write(f"masterpiece, 1girl\nNegative prompt: lowres\n{line}\n")
    doc = json.loads(run("lint", path, "--output-format", "json").stdout)
    assert doc["prompts"][0]["model"] == model
    assert {each["code"] for each in doc["diagnostics"]} & {"FIT104", "ORD101"} == codes
    assert f"{model} (the record)" in run("lint", path).stderr


def test_settings_of_the_folder(run, write):
    write("model: kohaku-delta\nignore: [FIT]\n", "tagkit.yaml")
    path = write("1girl, sketch\nNegative prompt: lowres\n")
    out = run("lint", path)
    assert out.returncode == 0
    assert "kohaku-delta" in out.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.txt", None), ("latin.txt", b"caf\xe9"), ("binary.png", bytes(range(256)))]
    + [("empty.txt", b""), ("zeros.txt", b"a\0b")],
)
def test_bad_files_are_one_clear_error(run, tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    out = run("lint", tmp_path / name, "--fix")
    assert out.returncode == 2
    assert out.stderr.startswith("error: ")
    assert name in out.stderr
    assert "Traceback" not in out.stderr
    assert out.stdout == ""
    assert content is None or (tmp_path / name).read_bytes() == content


def test_the_rest_of_several_inputs_is_still_done(run, write, tmp_path):
    out = run("lint", tmp_path / "missing.txt", write("1girl, 1girl"))
    assert out.returncode == 2
    assert "DUP101" in out.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--model", "baxl-v4"], "did you mean `baxl-v3`"),
        (["--select", "DOP"], "DUP"),
        (["--dialect", "klingon"], "a1111"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_options(run, write, args, said):
    out = run("lint", write(GOOD), *args)
    assert out.returncode == 2
    assert said in out.stderr
    assert out.stderr.count("error: ") == 1


def test_broken_settings_are_named(run, write):
    write("model: [\n", "tagkit.yaml")
    out = run("lint", write(GOOD))
    assert out.returncode == 2
    assert "tagkit.yaml" in out.stderr


def test_a_comment_allows_a_rule_for_the_next_prompt(run, write):
    path = write("1girl, 1girl\n# tagkit: allow DUP101\nsmile, smile\n")
    out = run("lint", path, "--fix", "--select", "DUP")
    assert out.returncode == 0
    assert path.read_text() == "1girl\n# tagkit: allow DUP101\nsmile, smile\n"


def test_exit_zero(run, write):
    assert run("lint", write("1girl, 1girl"), "--exit-zero").returncode == 0
