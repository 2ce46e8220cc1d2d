"""`tagkit rules`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tagkit.commands.packs import known_rules, pack_option
from tagkit.commands.shared import EXIT_DONE, EXIT_FOUND, report
from tagkit.settings import find_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.packs import Rule


@click.command(name="rules", short_help="List the rules.")
@pack_option
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="PACK",
    help="Try the examples of a pack instead, and say which are wrong.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form."
)
def command(rules: tuple[Path, ...], check: Path | None, form: str) -> int:
    """List every rule: code, name, severity, fix, summary.

    Packs of rules of your own come from --rules and from tagkit.yaml. `tagkit explain CODE` shows
    a rule's page.

    \b
    Examples:
      tagkit rules
      tagkit rules --format json
      tagkit rules --check my_rules
    """
    if check:
        return _check(check)
    known = known_rules((*find_settings(Path()).rules, *rules))
    if form == "json":
        click.echo(_as_json(known))
        return EXIT_DONE
    for rule in known:
        fix = rule.fix.safety if rule.fix else "-"
        click.echo(f"{rule.code}  {rule.name:28} {rule.severity:8} {fix:7} {rule.summary}")
    return EXIT_DONE


def _as_json(rules: Sequence[Rule]) -> str:
    rows = [
        {
            "code": rule.code,
            "name": rule.name,
            "severity": rule.severity,
            "fix": rule.fix.safety if rule.fix else None,
            "summary": rule.summary,
        }
        for rule in rules
    ]
    document = msgspec.json.encode({"version": 1, "rules": rows})
    return msgspec.json.format(document, indent=2).decode()


def _check(pack: Path) -> int:
    from tagkit.linting.examples import wrong_examples
    from tagkit.linting.own_rules import written_rules

    written = written_rules([pack])
    wrong = [error for each in written for error in wrong_examples(each)]
    for error in wrong:
        report(error)
    tried = sum(len(each.rule.examples) + len(each.rule.passes) for each in written)
    said = f"{len(wrong)} are wrong" if wrong else "all hold"
    click.echo(f"{len(written)} rules, {tried} examples: {said}")
    return EXIT_FOUND if wrong else EXIT_DONE
