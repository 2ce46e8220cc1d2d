from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tagkit.documents import parse_document, pieces, read_piece
from tagkit.documents.pieces import LINES
from tagkit.spans import Span

LINE = st.sampled_from(
    [
        "1girl, smile",
        "BREAK, hat",
        "AND x",
        "<lora:a:1>",
        "# note",
        "",
        "---",
        "é, 日本",
        "a (b:1.2)",
    ]
)
ENDS = st.sampled_from(["\n", "\n", "\r\n"])


def cut(content: bytes) -> list | None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.txt"
        path.write_bytes(content)
        found = pieces(path)
        return found and [(each, read_piece(path, each)) for each in found]


@given(st.lists(st.tuples(LINE, ENDS), min_size=1, max_size=40), st.integers(1, 400))
def test_pieces_hold_the_records_of_the_file(lines, times):
    text = "".join(line + end for line, end in lines) * times
    whole = parse_document(text, "p")
    records = []
    for piece, part in cut(text.encode()):
        for each in parse_document(part, "p").records:
            span = each.positive_span.shifted(piece.offset)
            records.append((each.positive, span, each.line + piece.lines))
    assert records == [(each.positive, each.positive_span, each.line) for each in whole.records]


def test_a_large_file_is_cut():
    found = cut(b"1girl, smile\n" * (3 * LINES))
    assert [piece.lines for piece, _ in found] == [0, LINES, 2 * LINES]
    assert {text.count("\n") for _, text in found} == {LINES}


def test_files_whose_lines_hang_together_are_not_cut():
    for line in (
        b"Negative prompt: hat", b"Steps: 20, Seed: 1", b"# tagkit: allow DUP101", b"\xff", b"a\0b",
        b"\xef\xbb\xbf1girl", b"a\rb", b"a" * 60_000,
    ):  # fmt: skip
        assert cut(line + b"\n1girl\n") is None


def test_spans_are_the_files():
    (piece, text), *_ = cut("é\n".encode() * 5000)[1:]
    assert piece.offset == 2 * LINES
    assert Span(0, 1).shifted(piece.offset) == Span(2 * LINES, 2 * LINES + 1)
    assert text.startswith("é\n")
