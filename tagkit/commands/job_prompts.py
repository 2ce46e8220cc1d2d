"""The prompts of a job file as a document to lint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from tagkit.documents import Document, Record
from tagkit.errors import UserError
from tagkit.infotext.a1111 import written_settings
from tagkit.rendering.blocks import Hires, Negative
from tagkit.rendering.fields import Fields, merged
from tagkit.rendering.jobfile import Request, read_source
from tagkit.rendering.wording import is_exact
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_GAP = "  "  # between a prompt and its negative prompt, which stand on one line
_COMPARED = 12  # letters of a prompt that tell where it begins


class Use(msgspec.Struct, frozen=True):
    """What a job file says of the prompts in a file that it names, in that of its own.

    settings: in A1111's words; what a prompt says itself stands behind them and wins.
    has_negative: it says a negative prompt, which those without one have then.
    """

    settings: str = ""
    has_negative: bool = False

    def of(self, document: Document) -> Document:
        """The document of that file, as it is to be judged."""
        if not self.has_negative:
            return document
        records = [
            msgspec.structs.replace(record, missed="nothing") if record.negative is None else record
            for record in document.records
        ]
        return msgspec.structs.replace(document, records=tuple(records))


def job_uses(path: Path) -> dict[str, Use]:
    """The files that hold the prompts of a job file: itself, and those that it names.

    Itself alone where it cannot be read; whoever opens it will hear why.
    """
    try:
        requests = read_source(path).requests
    except UserError:
        return {str(path): Use()}
    uses: dict[str, Use] = {}
    for each in requests:
        file = each.origin.record.rpartition(":")[0]
        if (file or str(path)) not in uses:
            uses[file or str(path)] = _use(each) if file else Use()
    return uses


def _use(request: Request) -> Use:
    """What a job file says: in its defaults, the first layer, and where it names the file."""
    fields = merged(request.layers[0], request.layers[-1])
    settings = written_settings({"Model": fields.model}) if fields.model else ""
    return Use(settings, fields.negative not in (None, "auto"))


def job_document(path: Path) -> Document:
    """The prompts that stand in a job file, each on its line; nothing else of the file is shown.

    What a job says beside its prompt comes as the settings of its record. Raises UserError.
    """
    requests = [each for each in read_source(path).requests if not each.origin.record]
    page = _Page(path.read_text(encoding="utf-8-sig").splitlines())
    records = tuple([page.add(request) for request in requests])
    return Document(str(path), page.text, records, writable=False)


class _Page:
    """Text that grows prompt by prompt, each put on the line where the job file has it."""

    def __init__(self, source: Sequence[str]) -> None:
        self._source = source
        self.text = ""

    def add(self, request: Request) -> Record:
        """Puts the prompt of a request down, and its negative prompt behind it."""
        fields = merged(*request.layers)
        line, reached = self._line_of(request), self.text.count("\n") + 1
        self.text += "\n" * (line - reached)
        prompt, negative = request.prompt.strip(), _negative(fields)
        positive = self._written(prompt)
        negative_span = None if negative is None else self._written(negative, _GAP)
        self.text += "\n"
        settings = written_settings(dict(_settings(fields))) or None
        return Record(
            prompt,
            positive,
            max(line, reached),
            negative,
            negative_span,
            settings,
            missed=_missed(fields.negative),
        )

    def _written(self, text: str, gap: str = "") -> Span:
        start = len(self.text) + len(gap)
        self.text += gap + text
        return Span(start, len(self.text))

    def _line_of(self, request: Request) -> int:
        """The line where the prompt begins: the next one, where only a `|` stands there."""
        line = int(request.origin.place("prompt").rpartition(":")[2])
        begins = request.prompt[:_COMPARED].split("\n")[0]
        here, below = self._source[line - 1], "".join(self._source[line : line + 1])
        return line + 1 if begins in below and begins not in here else line


def _negative(fields: Fields) -> str | None:
    """The negative prompt as it is said; None for the card's own."""
    said = fields.negative
    text = said.text if isinstance(said, Negative) else said
    return None if text == "auto" else "" if text == "none" else text


def _missed(negative: str | Negative | None) -> Literal["all", "base", "nothing"]:
    """What rendering does not add itself to the negative prompt that a job says."""
    if negative in (None, "auto"):
        return "all"
    gets_all = isinstance(negative, Negative) and negative.complete == "base"
    return "nothing" if gets_all or is_exact(negative) else "base"


def _settings(fields: Fields) -> Iterator[tuple[str, str]]:
    """What the rules judge beside the prompts, in A1111's words."""
    detailers = fields.detailer if isinstance(fields.detailer, tuple) else ()
    said = {
        "CFG scale": fields.cfg,
        "Size": fields.size,
        "Model": fields.model,
        "Hires prompt": fields.hires.prompt if isinstance(fields.hires, Hires) else None,
        **{f"ADetailer prompt {at}": each.prompt for at, each in enumerate(detailers, 1)},
    }
    return ((key, str(value)) for key, value in said.items() if value is not None)
