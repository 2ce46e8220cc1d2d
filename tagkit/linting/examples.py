"""The examples of a rule, tried."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import image_card
from tagkit.errors import UserError
from tagkit.linting.files import Files
from tagkit.linting.linter import Linter, Report, record_of, with_comments
from tagkit.packs import Pass, switched_on
from tagkit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.packs import Example, Rule, Written


def wrong_examples(written: Written) -> Iterator[UserError]:
    """What the rule's examples say and the rule does not do, each with its place."""
    for number, example in enumerate(written.rule.examples):
        for problem in _problems(written.rule, example):
            yield UserError(f"{written.rule.code}: {problem}", written.place("examples", number))
    for number, each in enumerate(written.rule.passes):
        passed = each if isinstance(each, Pass) else Pass(each)
        found = lint_alone(written.rule, passed.text, passed.negative, passed.model).diagnostics
        if found:
            what = f"{written.rule.code}: `{passed.text}` does not pass: {found[0].message}"
            yield UserError(what, written.place("passes", number))


def _problems(rule: Rule, example: Example) -> Iterator[str]:
    report = lint_alone(rule, example.flagged, example.negative, example.model)
    if not report.diagnostics:
        yield f"nothing is found in `{example.flagged}`"
        return
    for wanted, fixed in (
        (example.fixed, report.fixed.positive),
        (example.fixed_negative, report.fixed.negative),
        (example.fixed_settings, report.fixed.settings),
    ):
        if wanted is not None and wanted != fixed:
            yield f"`{example.flagged}` becomes `{fixed}`, not `{wanted}`"


def lint_alone(rule: Rule, text: str, negative: str | None, model: str) -> Report:
    """What this rule alone says of a prompt, with the files that its examples have."""
    with TemporaryDirectory() as name:
        files = Files(_settings(rule, Path(name)))
        linter = Linter(
            image_card(model),
            [switched_on(rule)],
            rule.dialects[0],
            ("safe", "unsafe"),
            files=files,
        )
        record = record_of(text, negative)
        return with_comments(linter.lint(record), record, linter)


def _settings(rule: Rule, folder: Path) -> Settings:
    """Settings for a folder that holds the files of a rule's examples."""
    for name, content in rule.installed.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    kinds = {name.partition("/")[0] for name in rule.installed}
    return msgspec.structs.replace(Settings(), **{kind: (folder / kind,) for kind in kinds})
