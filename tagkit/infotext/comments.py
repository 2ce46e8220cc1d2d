"""EXIF's user comment: where JPEG, WebP and AVIF files keep their infotext."""

from __future__ import annotations

_CODE_LENGTH = 8
_PLAIN_CODES = (b"", b"ASCII", b"UTF8", b"UTF-8")


def comment_text(comment: bytes) -> str:
    """The text of an EXIF user comment: eight bytes of encoding, then the text.

    `UNICODE` is UTF-16 in either byte order; writers disagree, so a mark at the beginning or else
    the places of the zero bytes decide.
    """
    code, body = comment[:_CODE_LENGTH], comment[_CODE_LENGTH:]
    if code.startswith(b"UNICODE"):
        return _unicode(body).strip("\0")
    if code.rstrip(b"\0 ") in _PLAIN_CODES:
        comment = body
    return comment.decode("utf-8", "replace").strip("\0")


def _unicode(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    if b"\0" not in body:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    # Most characters of a prompt are below 256, so one byte of each pair is zero: the high one.
    big = body[0::2].count(0) >= body[1::2].count(0)
    return body.decode("utf-16-be" if big else "utf-16-le", "replace")
