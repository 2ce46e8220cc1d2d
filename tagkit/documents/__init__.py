"""Prompt files: lines, blocks, A1111 records, lines with flags, and styles.csv."""

from __future__ import annotations

from tagkit.documents.pieces import Piece, pieces, read_piece
from tagkit.documents.reading import decode_document, read_document
from tagkit.documents.records import SPLITS, parse_document, parse_record
from tagkit.documents.styles import named_styles
from tagkit.documents.values import NEGATIVE, Document, Record, Suppression

__all__ = [
    "NEGATIVE",
    "SPLITS",
    "Document",
    "Piece",
    "Record",
    "Suppression",
    "decode_document",
    "named_styles",
    "parse_document",
    "parse_record",
    "pieces",
    "read_document",
    "read_piece",
]
