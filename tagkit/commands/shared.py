"""What commands share: exit statuses and the form of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tagkit.errors import UserError

EXIT_DONE = 0
EXIT_FOUND = 1
EXIT_FAILED = 2
EXIT_STOPPED = 130


def report(error: UserError) -> None:
    """Prints one error to stderr: what, where, and what to do."""
    click.echo(f"error: {error.what}", err=True)
    for line in error.where.splitlines():
        click.echo(f"  {line}", err=True)
    if error.hint:
        click.echo(f"help: {error.hint}", err=True)
