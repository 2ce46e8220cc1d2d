"""Wildcard folders: names, files, and what goes wrong with them."""

from random import Random

import pytest

from tagkit.errors import UserError
from tagkit.prompt.templates import Wildcards, draw, draw_all, missing_wildcards

TREE = {
    "color.txt": "red\n# all of these are colours\n\n  {dark|light} green  \nblue # the sea\n",
    "clothes/head/hat.txt": "beret",
    "clothes/top.txt": "shirt",
    "pack/sea.yaml": "summer: [sun, 2::beach]\nwinter: snow\ndeep: {blue: [whale, squid]}\n",
}


def texts(wildcards: Wildcards, name: str) -> list[str]:
    return [value.text for value in wildcards.values(name)]


def error_of(wildcards: Wildcards, name: str = "x") -> UserError:
    with pytest.raises(UserError) as error:
        wildcards.values(name)
    return error.value


def test_names(folder):
    names = Wildcards([folder(TREE)]).names()
    assert names == (
        "clothes/head/hat",
        "clothes/top",
        "color",
        "pack/deep/blue",
        "pack/summer",
        "pack/winter",
    )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("color", ["red", "{dark|light} green", "blue"]),
        ("pack/summer", ["sun", "beach"]),
        ("pack/winter", ["snow"]),
        ("summer", ["sun", "beach"]),
        ("deep/blue", ["whale", "squid"]),
        ("hat", ["beret"]),
        ("clothes/*", ["beret", "shirt"]),
        ("clothes/**", ["beret", "shirt"]),
        ("cl*/t*", ["shirt"]),
        ("*/winter", ["snow"]),
        ("h*t", ["beret"]),
    ],
)
def test_lookups(folder, name, values):
    assert texts(Wildcards([folder(TREE)]), name) == values


def test_values_know_their_place(folder):
    root = folder(TREE)
    (top,) = Wildcards([root]).values("clothes/top")
    assert top.where == f"{root / 'clothes' / 'top.txt'}:1"
    assert [value.where for value in Wildcards([root]).values("color")] == [
        f"{root / 'color.txt'}:{line}" for line in (1, 4, 5)
    ]
    assert [value.weight for value in Wildcards([root]).values("summer")] == [1, 2]


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("x: [a, b]", [("a", 1), ("b", 1)]),
        ("x: a", [("a", 1)]),
        ("x:\n- 3::a\n- 0.5::b\n- .5::c", [("a", 3), ("b", 0.5), ("c", 0.5)]),
        ("x: [{weight: 2, text: a}, {content: b}]", [("a", 2), ("b", 1)]),
        ("x: [no, 1.50, 'null']", [("no", 1), ("1.50", 1), ("null", 1)]),
        ("x: [a, ~, '', null, b]", [("a", 1), ("b", 1)]),
        ("x: ['{2::a|b}', '3::{a|b}']", [("{2::a|b}", 1), ("{a|b}", 3)]),
        ("x: ['1.2::red::, hat']", [("1.2::red::, hat", 1)]),
        ("- a\n- b", [("a", 1), ("b", 1)]),
        ("y: &y [a, b]\nx: *y", [("a", 1), ("b", 1)]),
        ("x: |\n  a,\n  b\n", [("a,\nb\n", 1)]),
        ("x: [a, b, a]", [("a", 1), ("b", 1)]),
        ("x: [a, 0::b]", [("a", 1)]),
    ],
)
def test_yaml(folder, content, values):
    wildcards = Wildcards([folder({"x.yaml": content})])
    assert [(value.text, value.weight) for value in wildcards.values("x")] == values


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ('{"x": ["a", "3::b", {"weight": 0.5, "text": "c"}]}', [("a", 1), ("b", 3), ("c", 0.5)]),
        ('{\n\t"x": [1, 2.50, null, "\\ud83e\\udd8a"]}', [("1", 1), ("2.50", 1), ("🦊", 1)]),
        ('{"x": "a"}', [("a", 1)]),
        ('["a"]', [("a", 1)]),
    ],
)
def test_json(folder, content, values):
    wildcards = Wildcards([folder({"x.json": content})])
    assert [(value.text, value.weight) for value in wildcards.values("x")] == values


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa\r\nb\r\n", b"a\rb", b"1::a\n1.0::b"])
def test_text_files_of_any_editor(folder, content):
    assert texts(Wildcards([folder({"x.txt": content})]), "x") == ["a", "b"]


def test_one_name_in_two_files_and_two_folders(folder):
    first = folder({"x.txt": "a", "any.yml": "x: [b]"}, "first")
    second = folder({"x.txt": "c", "y.txt": "d"}, "second")
    wildcards = Wildcards([first, second])
    assert texts(wildcards, "x") == ["b", "a"]
    assert texts(wildcards, "y") == ["d"]


def test_files_are_read_when_they_are_wanted_and_once(folder):
    root = folder({"x.txt": "a", "broken.txt": b"\xff"})
    wildcards = Wildcards([root])
    assert texts(wildcards, "x") == ["a"]
    (root / "x.txt").unlink()
    assert texts(wildcards, "x") == ["a"]
    assert "broken.txt` is not UTF-8" in error_of(wildcards, "broken").what


def test_a_missing_wildcard_is_named(folder):
    wildcards = Wildcards([folder({"hair/color.txt": "red"})])
    error = error_of(wildcards, "hair/colour")
    assert error.what == "there is no wildcard `__hair/colour__`"
    assert "did you mean `hair/color`?" in error.hint
    with pytest.raises(UserError) as raised:
        draw("a,\n b __hat__", Random(1), wildcards)
    assert raised.value.what == "there is no wildcard `__hat__`"
    assert raised.value.where == "line 2, column 4"
    assert "tagkit.yaml" in error_of(Wildcards()).hint


def test_a_wildcard_missing_in_a_value_has_the_place_of_the_value(folder):
    root = folder({"x.txt": "a\n__y__"})
    with pytest.raises(UserError) as error:
        list(draw_all("__x__", Wildcards([root])))
    assert error.value.what == "there is no wildcard `__y__`"
    assert error.value.where == f"{root / 'x.txt'}:2"


def test_an_empty_wildcard_is_an_error(folder):
    wildcards = Wildcards([folder({"x.txt": "# nothing\n", "y.yaml": "y: [0::a]"})])
    assert error_of(wildcards).what == "the wildcard `__x__` has no values"
    assert error_of(wildcards, "y").what == "the wildcard `__y__` has no values"


@pytest.mark.parametrize(
    ("name", "content", "what", "line"),
    [
        ("x.yaml", "a: [b\nc: d]", "is not valid YAML", ":2:2"),
        ("x.yaml", "a: b\n\tc: d", "is not valid YAML", ":2:1"),
        ("x.yaml", "a: b\nc: d\na: e", "key `a` stands twice", ":3"),
        ("x.yaml", "a:\n- [b]", "a list in a list", ":2"),
        ("x.yaml", "a:\n- b: c", "neither a text nor a weighted text", ":2"),
        ("x.yaml", "a:\n- {text: b, weight: heavy}", "the weight `heavy`", ":2"),
        ("x.yaml", "a:\n- {text: b, weight: -1}", "the weight `-1`", ":2"),
        ("x.yaml", "a:\n- {weight: 1}", "neither a text nor a weighted text", ":2"),
        ("x.yaml", "a: *b", "`*b` in", ":1"),
        ("x.yaml", "a: &a [*a]", "`*a` in", ":1"),
        ("x.yaml", "? [a]\n: b", "is no text", ":1"),
        ("x.yaml", "just words", "neither a list nor a mapping", ":1"),
        ("x.yaml", "a: b\n---\nc: d", "more than one YAML document", ""),
        ("x.yaml", "[" * 100_000, "nest", ":1"),
        ("x.yaml", "a:\n" + "- " * 100_000, "nest", ":2"),
        ("x.yaml", "a: \x01", "is not valid YAML", ""),
        ("x.json", '{"a": ["b",]}', "is not valid JSON", ":1:1"),
        ("x.json", "[" * 200_000, "nested too deeply", ""),
        ("x.json", '{"a": "b", "a": "c"}', "key `a` stands twice", ""),
        ("x.json", '{"a": [["b"]]}', "a list in a list", ""),
    ],
)
def test_bad_files_are_errors_with_file_and_line(folder, name, content, what, line):
    root = folder({name: content})
    error = error_of(Wildcards([root]))
    assert what in error.what
    assert str(root / name) in error.what + error.where
    assert line in error.where


def test_aliases_that_multiply_end(folder):
    lines = ["a0: &a0 {x: y}"]
    lines += [f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 40)]
    assert "1,000,000 values" in error_of(Wildcards([folder({"x.yaml": "\n".join(lines)})])).what


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    assert "there is no wildcard folder" in error_of(Wildcards([tmp_path / "none"])).what


def test_nothing_leads_out_of_the_folder(folder, tmp_path):
    outside = folder({"secret.txt": "key"}, "outside")
    root = folder({"in.txt": "a", ".git/x.txt": "b"})
    (root / "file.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "again.txt").symlink_to(root / "in.txt")
    (root / "gone.txt").symlink_to(root / "nowhere")
    wildcards = Wildcards([root])
    assert wildcards.names() == ("again", "in")
    for name in ("../outside/secret", "folder/secret", "**/../outside/secret", "/secret"):
        assert "there is no wildcard" in error_of(wildcards, name).what


def test_missing_wildcards(folder):
    wildcards = Wildcards(
        [folder({"a.txt": "__b__\n__c/d__\nx", "b.txt": "__a__ __e*__", "f.txt": "g"})]
    )
    text = "x __f__, {__a__|__y__}, ${v=__z__}__f(v=__w__)__, __{a|y}__, <lora:__q__:1>"
    found = [
        (each.name, text[each.span.start : each.span.end])
        for each in missing_wildcards(text, wildcards)
    ]
    assert found == [
        ("c/d", "__a__"),
        ("e*", "__a__"),
        ("y", "__y__"),
        ("z", "__z__"),
        ("w", "__w__"),
    ]
    assert missing_wildcards("no template", wildcards) == ()
