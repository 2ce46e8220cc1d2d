"""`tagkit train`."""

from __future__ import annotations

import signal
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tagkit.commands.shared import EXIT_DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tagkit.training import Plan, Summary


@click.command(name="train", short_help="Fine-tune a model by a recipe.")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for everything. Default: beside the recipe, named by its stem.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any key of the recipe, also within a block (optimizer.name=lion); repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be trained, and stop.")
@click.option(
    "--resume",
    type=click.Choice(["auto", "none"]),
    default="auto",
    show_default=True,
    help="auto goes on from the last checkpoint in the folder; none wants a folder without.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu"]),
    default="auto",
    show_default=True,
    help="auto is what accelerate finds: cuda, mps, else cpu.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the result.",
)
def command(
    recipe: Path,
    output: Path | None,
    settings: tuple[str, ...],
    dry_run: bool,
    resume: str,
    device: str,
    form: str,
) -> int:
    """Fine-tune an SDXL model, or a LoRA for one, by a recipe.

    RECIPE is a YAML file; docs/training.md says what it may say. Captions are linted first. Ctrl-C
    writes a checkpoint, from which the same command goes on.

    \b
    Examples:
      tagkit train recipe.yaml --dry-run
      tagkit train recipe.yaml -o out
      tagkit train recipe.yaml --set max_steps=50 --set optimizer.name=lion-8bit
      tagkit train examples/train/tiny.yaml --set max_steps=50
    """
    from tagkit.commands.training_report import plan_document, plan_lines
    from tagkit.training import is_first_process, planned

    plan = planned(recipe, settings)
    if not is_first_process():
        _train(plan, output, resume, device)
        return EXIT_DONE
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    _lint(plan)
    if dry_run and form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(plan_document(plan))).decode())
    elif dry_run:
        click.echo("\n".join(plan_lines(plan)))
    else:
        _print(_train(plan, output, resume, device), form)
    return EXIT_DONE


def _train(plan: Plan, output: Path | None, resume: str, device: str) -> Summary:
    from tagkit.commands.training_progress import watching
    from tagkit.training import Surroundings, is_first_process, output_of, train
    from tagkit.training.events import unwatched

    folder = output or output_of(plan.read.path)
    listening = watching() if is_first_process() else nullcontext(unwatched)
    with _stoppable() as stopping, listening as watch:
        return train(
            plan,
            folder,
            resume=resume == "auto",
            device=device,
            surroundings=Surroundings(watch=watch, stopping=stopping),
        )


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and a polite request to end are heeded between batches; a second one at once."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        click.echo("stopping behind this batch; once more stops at once", err=True)

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _lint(plan: Plan) -> None:
    """Shows what is wrong with the captions. Raises UserError for what the recipe stops at."""
    from tagkit.commands.training_captions import lint_captions

    lint_captions(plan)


def _print(summary: Summary, form: str) -> None:
    if form == "json":
        document = {"version": 1} | msgspec.to_builtins(summary, enc_hook=str)
        click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())
        return
    loss = "" if summary.loss is None else f", loss {summary.loss:.4f}"
    click.echo(
        f"{summary.output}: {summary.steps} steps done, {summary.made} of them now in "
        f"{summary.seconds} s{loss}"
    )
    for file in summary.files:
        click.echo(f"  {file}")
