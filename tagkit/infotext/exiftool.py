"""Infotexts as exiftool prints them: a label, and every newline a full stop.

`Parameters   : 1girl.Negative prompt: lowres.Steps: 20, Sampler: …` is found wherever people paste
such a dump. Which other full stops were newlines cannot be known; those before the two marks were.
"""

from __future__ import annotations

import re

_LABELLED = re.compile(r"^(?:Parameters|User Comment) +: (.*)$", re.MULTILINE)
_STEPS = re.compile(r"^Steps:(?: |$)", re.MULTILINE)
_MARK, _NEGATIVE = ".Steps: ", ".Negative prompt:"


def repaired(text: str) -> str:
    """The text with its newlines back; any other text as it is."""
    if _STEPS.search(text):
        return text
    labelled = _LABELLED.search(text)
    line = labelled[1] if labelled else text
    head, mark, settings = line.rpartition(_MARK)
    if not mark or not settings[:1].isdigit() or "\n" in line:
        return labelled[1] if labelled else text
    prompt, found, negative = head.partition(_NEGATIVE)
    negative_line = f"Negative prompt: {negative.strip(' .')}\n" if found else ""
    return f"{prompt.rstrip(' .')}\n{negative_line}Steps: {settings}"
