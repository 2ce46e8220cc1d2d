"""The one error that users meet."""

from __future__ import annotations


class UserError(Exception):
    """Something tagkit was asked for and cannot do.

    what:  one line, lower case, no full stop, stands alone.
    where: a place or a cause, as `jobs.yaml:3:5`; may have several lines.
    hint:  what the user can do about it.
    """

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"({self.where})")
        if self.hint:
            parts.append(f"help: {self.hint}")
        return " ".join(parts)
