"""`tagkit models pull`: what is fetched, and how far it has come."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from tagkit.cards import TagCard
from tagkit.cards.files import cards_named
from tagkit.commands.shared import report
from tagkit.errors import UserError
from tagkit.extras import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.fetching.addresses import Kind
    from tagkit.fetching.download import Watch
    from tagkit.fetching.pulling import Puller
    from tagkit.settings import Settings


def pull_all(names: Sequence[str], kind: Kind | None, sha256: str, settings: Settings) -> bool:
    """Fetches everything named and prints the paths; errors are reported, the rest goes on.

    Returns whether there was none. Raises UserError for a missing package.
    """
    need("render", "requests", "filelock")
    from tagkit.fetching.hosts import hosts_of
    from tagkit.fetching.pulling import Puller
    from tagkit.fetching.web import new_session

    if sha256 and len(names) > 1:
        raise UserError("--sha256 is of one file", f"{len(names)} are named")
    with new_session() as session:
        puller = Puller(settings, hosts_of(os.environ), session, time.sleep)
        results = [_pulled(puller, name, kind, sha256, settings) for name in names]
    return all(results)


def _pulled(puller: Puller, name: str, kind: Kind | None, sha256: str, settings: Settings) -> bool:
    try:
        if _is_tag_model(name, settings):
            click.echo(_tag_model(name, settings))
            return True
        remotes = puller.remotes(name, kind, sha256)
        if not remotes:
            click.echo(f"{name}: everything is here", err=True)
        for remote in remotes:
            with _watching(remote.name) as watch:
                path = puller.fetch(remote, watch)
            click.echo(path)
    except UserError as error:
        report(error)
        return False
    return True


def _is_tag_model(name: str, settings: Settings) -> bool:
    """Whether `expand` keeps it, in the cache of Hugging Face."""
    if "/" in name:
        return False
    cards = cards_named(name, settings.cards)
    return any(isinstance(card, TagCard) and card.weights.hub for card in cards)


def _tag_model(name: str, settings: Settings) -> str:
    from tagkit.expansion.fetching import folder_of
    from tagkit.expansion.tag_model import find_tag_model

    return str(folder_of(find_tag_model(name, settings.cards, named_by_user=True)))


@contextmanager
def _watching(name: str) -> Iterator[Watch]:
    """A bar on a terminal; elsewhere a line for every tenth of the file."""
    if not sys.stderr.isatty():
        yield _Lines(name)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, size: progress.update(task, completed=done, total=size)


class _Lines:
    def __init__(self, name: str) -> None:
        self._name = name
        self._tenths = -1

    def __call__(self, done: int, size: int | None) -> None:
        tenths = done * 10 // size if size else 0
        if tenths != self._tenths:
            self._tenths = tenths
            total = f"{tenths * 10} % of {size / 1e6:.1f} MB" if size else "begun"
            click.echo(f"{self._name}: {total}", err=True)
