"""`tagkit status`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagkit.rendering.lock import folder_lock
from tagkit.rendering.manifest import Counts, open_manifest
from tagkit.rendering.manifest_file import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tagkit.rendering.manifest import Row


@click.command(name="status", short_help="Show the state of an output folder.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--failed", is_flag=True, help="List the failed jobs and why they failed.")
@click.option("--retry", is_flag=True, help="Put failed jobs back, for the next `tagkit render`.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form."
)
def command(folder: Path, failed: bool, retry: bool, form: str) -> None:
    """Show how far the last plan of an output folder has come.

    A picture that was deleted counts as pending: the next run renders it again.

    \b
    Examples:
      tagkit status out
      tagkit status out --failed
      tagkit status out --retry
    """
    with open_manifest(folder) as manifest:
        if retry:
            with folder_lock(folder / FOLDER):
                click.echo(f"{manifest.retry()} jobs put back", err=True)
        counts = manifest.counts()
        losses = [row for row in manifest.rows() if row.state == "failed"] if failed else []
    if form == "json":
        _print_json(counts, losses, failed)
        return
    click.echo(
        f"{counts.done} of {counts.total} done, {counts.failed} failed, {counts.pending} pending"
    )
    for row in losses:
        click.echo(f"{row.job.file}: {row.error}")


def _print_json(counts: Counts, losses: Iterable[Row], failed: bool) -> None:
    import msgspec

    document: dict[str, object] = {"version": 1} | msgspec.structs.asdict(counts)
    if failed:
        document["jobs"] = [
            {"id": row.job.id, "file": row.job.file, "error": row.error} for row in losses
        ]
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
