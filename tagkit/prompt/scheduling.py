"""Prompt editing `[a:b:n]` and alternation `[a|b]` by step, as A1111's schedule grammar has them.

The grammar is that of `get_learned_conditioning_prompt_schedules` in A1111's
modules/prompt_parser.py: what does not parse stays literal, a stray pipe makes the whole literal.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from tagkit.prompt.lexer import MAX_DEPTH

_TOKEN = re.compile(r"\\.|[\[\]():|\\]|[^\\\[\]():|]+")
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_PARTNER = {")": "(", "]": "["}


class Scheduled(NamedTuple):
    """`before` up to step `when` (included), `after` from then on."""

    before: list[Part]
    after: list[Part]
    when: int


class Alternate(NamedTuple):
    """Option 0 at step 1, option 1 at step 2, and round again."""

    options: list[list[Part]]


Part: TypeAlias = str | Scheduled | Alternate


class _Frame:
    """An open bracket: its parts, parted by the pipes and colons directly inside it."""

    def __init__(self, bracket: str) -> None:
        self.bracket = bracket
        self.parts: list[list[Part]] = [[]]
        self.cuts: list[str] = []
        self.sound = True  # whether it could stand inside another bracket

    def flat(self) -> list[Part]:
        parts: list[Part] = [self.bracket, *self.parts[0]]
        for cut, more in zip(self.cuts, self.parts[1:], strict=True):
            parts += [cut, *more]
        return parts


class _LiteralError(Exception):
    """The whole prompt does not parse."""


class _Clock(NamedTuple):
    """How numbers become steps: those of the first pass lie before those of the hires pass."""

    steps: int
    first_pass: int  # steps of the first pass if this is the hires pass, else 0

    def step(self, number: str) -> int:
        """A number with a point is a fraction of the steps, one without is a step."""
        is_hires = self.first_pass > 0
        if "." in number:
            value = (float(number) - is_hires) * self.steps
        else:
            value = float(number) - self.first_pass
        return int(min(float(self.steps), value))


def schedule(text: str, steps: int, first_pass: int = 0) -> list[tuple[int, str]]:
    """`[(until_step, text)]`: what is drawn up to and including each step, the last being `steps`.

    A number with a point is a fraction of `steps`, one without is a step (A1111 1.6 and later).
    For the hires pass `first_pass` is the number of steps of the first one: fractions from 1 to 2
    and steps above it are then those of the hires pass.
    """
    if "[" not in text:
        return [(steps, text)]
    try:
        parts = _parsed(text, _Clock(steps, first_pass))
    except _LiteralError:
        return [(steps, text)]
    ends = sorted({steps, *_ends(parts, steps)})
    return [(end, _at(parts, end)) for end in ends]


def _parsed(text: str, clock: _Clock) -> list[Part]:
    frames = [_Frame("")]
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "([" and len(token) == 1:
            frames.append(_Frame(token))
        elif token in _PARTNER:
            _close(frames, token, clock)
        elif token in (":", "|"):
            frames[-1].cuts.append(token)
            frames[-1].parts.append([])
        elif token == "\\":
            raise _LiteralError
        else:
            frames[-1].parts[-1].append(token)
        if len(frames) > MAX_DEPTH:
            raise _LiteralError
    while len(frames) > 1:
        _spill(frames)
    return _checked(frames[0]).flat()


def _close(frames: list[_Frame], token: str, clock: _Clock) -> None:
    while len(frames) > 1 and frames[-1].bracket != _PARTNER[token]:
        _spill(frames)
    if len(frames) == 1:
        frames[0].parts[-1].append(token)
        return
    frame = frames.pop()
    part = _scheduled(frame, clock) if token == "]" and frame.sound else None
    if part is None:
        frames[-1].sound &= frame.sound and len(frame.cuts) <= (token == ")")
        frames[-1].parts[-1] += [*_checked(frame).flat(), token]
    else:
        frames[-1].parts[-1].append(part)


def _spill(frames: list[_Frame]) -> None:
    """An unclosed bracket is literal, and so is every bracket around it."""
    frame = frames.pop()
    frames[-1].sound = False
    frames[-1].parts[-1] += _checked(frame).flat()


def _checked(frame: _Frame) -> _Frame:
    if "|" in frame.cuts:
        raise _LiteralError
    return frame


def _scheduled(frame: _Frame, clock: _Clock) -> Part | None:
    cuts = set(frame.cuts)
    if cuts == {"|"}:
        return Alternate(frame.parts)
    if cuts == {":"} and len(frame.cuts) <= 2:
        number = _NUMBER.fullmatch("".join(str(part) for part in frame.parts[-1]))
        if number:
            before = frame.parts[0] if len(frame.cuts) == 2 else []
            return Scheduled(before, frame.parts[-2], clock.step(number[1]))
    return None


def _ends(parts: list[Part], steps: int) -> set[int]:
    """Steps after which the text may change."""
    ends: set[int] = set()
    for part in parts:
        if isinstance(part, Alternate):
            return set(range(1, steps + 1))
        if isinstance(part, Scheduled):
            ends |= {part.when} if part.when >= 1 else set()
            ends |= _ends(part.before, steps) | _ends(part.after, steps)
    return ends


def _at(parts: list[Part], step: int) -> str:
    text = ""
    for part in parts:
        if isinstance(part, Scheduled):
            text += _at(part.before if step <= part.when else part.after, step)
        elif isinstance(part, Alternate):
            text += _at(part.options[(step - 1) % len(part.options)], step)
        else:
            text += part
    return text
