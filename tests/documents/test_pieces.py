from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tagkit.documents import parse_document, pieces, read_piece
from tagkit.documents.reading import LONGEST_PROMPT
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
SIZE = 4000


def cut(content: bytes, size: int = SIZE) -> list | None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.txt"
        path.write_bytes(content)
        found = pieces(path, size)
        return found and [(each, read_piece(path, each)) for each in found]


@given(st.lists(st.tuples(LINE, ENDS), min_size=1, max_size=40), st.integers(0, 200))
def test_pieces_hold_the_records_of_the_file(lines, size):
    text = "".join(line + end for line, end in lines)
    whole = parse_document(text, "p")
    records = []
    for piece, part in cut(text.encode(), size):
        for each in parse_document(part, "p").records:
            span = each.positive_span.shifted(piece.offset)
            records.append((each.positive, span, each.line + piece.lines))
    assert records == [(each.positive, each.positive_span, each.line) for each in whole.records]


def test_a_large_file_is_cut():
    line = "1girl, smile\n"
    content = line * (3 * SIZE // len(line))
    found = cut(content.encode())
    assert "".join(text for _, text in found) == content
    assert [piece.lines for piece, _ in found] == [piece.start // len(line) for piece, _ in found]
    assert len(found) == 3
    assert all(text.endswith("\n") for _, text in found)


def test_files_whose_lines_hang_together_are_not_cut():
    for line in (
        b"Negative prompt: hat", b"Steps: 20, Seed: 1", b"# tagkit: allow DUP101", b"\xff", b"a\0b",
        b"\xef\xbb\xbf1girl", b"a\rb", b"a" * 60_000, b"Steps: 1\r", b"hat # tagkit: allow DUP101",
    ):  # fmt: skip
        assert cut(line + b"\n1girl\n") is None


def test_a_line_may_be_as_long_as_a_prompt():
    for length, is_cut in ((LONGEST_PROMPT - 1, True), (LONGEST_PROMPT + 1, False)):
        for text in ("{}", "hat\n{}", "{}\nhat", "hat\n{}\nhat\n"):
            assert (cut(text.format("a" * length).encode()) is not None) == is_cut


def test_spans_are_the_files():
    (piece, text), *_ = cut("é\n".encode() * SIZE)[1:]
    assert piece.offset == 2 * piece.lines == piece.start * 2 // 3
    assert Span(0, 1).shifted(piece.offset) == Span(piece.offset, piece.offset + 1)
    assert text.startswith("é\n")
