"""Lines with flags, and styles.csv."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.documents import decode_document, parse_document
from tagkit.errors import UserError


def only(text):
    (record,) = parse_document(text, "p.txt").records
    return record


def test_sd_scripts():
    text = "1girl, smile --n lowres, error --w 832 --h 1216 --s 25 --l 7.5 --d 42 --am 0.8"
    record = only(text)
    assert (record.positive, record.negative) == ("1girl, smile", "lowres, error")
    assert record.settings == "Steps: 25, CFG scale: 7.5, Seed: 42, Size: 832x1216"
    assert text[record.negative_span.start : record.negative_span.end] == "lowres, error"


def test_prompts_from_file():
    flags = "--negative_prompt 'lowres' --steps 20 --width 512 --foo 1"
    text = f'# mine\n--prompt "1girl, smile" {flags}'
    record = only(text)
    assert (record.positive, record.negative) == ("1girl, smile", "lowres")
    assert record.settings == "Steps: 20"
    assert text[record.positive_span.start : record.positive_span.end] == "1girl, smile"


@pytest.mark.parametrize(
    "text", ["1girl -- smile", "a--n b", "1girl, --nothing", "--steps 20", "x --W 1"]
)
def test_what_only_looks_like_flags(text):
    assert only(text).positive == text


@given(st.text(alphabet="a,-nwhsldpromt \"'1\n", max_size=60))
def test_every_text_lies_where_its_span_says(text):
    for record in parse_document(text, "p.txt").records:
        for part, span in (
            (record.positive, record.positive_span),
            (record.negative, record.negative_span),
        ):
            assert part is None or text[span.start : span.end] == part


STYLES = (
    "name,prompt,negative_prompt\r\n"
    'flat,"1girl, {prompt}, flat color",lowres\r\n'
    'quoted,"say ""hi"", smile","a,\nb"\r\n'
    "empty,,error\r\n"
    "plain,1girl,\r\n"
)


def test_styles():
    document = decode_document(STYLES.encode(), "styles.csv")
    found = [(each.positive, each.negative, each.line) for each in document.records]
    assert found == [
        ("1girl, {prompt}, flat color", "lowres", 2),
        ('say "hi", smile', "a,\nb", 3),
        ("1girl", None, 6),
    ]
    assert not document.writable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "no styles"),
        ('name,prompt\nx,"a"b\n', "quote"),
        ("name,prompt\n", "no prompt"),
    ],
)
def test_a_broken_table_is_named(text, said):
    with pytest.raises(UserError, match=said):
        decode_document(text.encode(), "styles.csv")


CELLS = st.text(alphabet='a,"\n ', max_size=6)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=4))
def test_styles_are_read_as_the_csv_module_reads_them(rows):
    import csv
    import io

    rows = [row for row in rows if row[1].strip()]
    if not rows:
        return
    file = io.StringIO()
    csv.writer(file).writerows([["name", "prompt", "negative_prompt"], *rows])
    document = decode_document(file.getvalue().encode(), "styles.csv")
    assert [each.positive for each in document.records] == [row[1] for row in rows]
