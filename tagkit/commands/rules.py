"""`tagkit rules`."""

from __future__ import annotations

import click
import msgspec

from tagkit.packs import shipped_rules


@click.command(name="rules", short_help="List the rules.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form."
)
def command(form: str) -> None:
    """List every rule: code, name, severity, fix, summary.

    `tagkit explain CODE` shows a rule's page.

    \b
    Examples:
      tagkit rules
      tagkit rules --format json
    """
    rules = shipped_rules()
    if form == "json":
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
        click.echo(msgspec.json.format(document, indent=2).decode())
        return
    for rule in rules:
        fix = rule.fix.safety if rule.fix else "-"
        click.echo(f"{rule.code}  {rule.name:28} {rule.severity:8} {fix:7} {rule.summary}")
