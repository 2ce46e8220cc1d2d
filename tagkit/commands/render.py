"""`tagkit render`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import click

from tagkit.commands.inputs import STDIN, empty_folder, expanded
from tagkit.commands.progress import changes
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, EXIT_FOUND, report
from tagkit.errors import UserError
from tagkit.settings import find_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.rendering import Job, Means, Order, Summary
    from tagkit.rendering.fields import Overrides
    from tagkit.rendering.planning import Complete

_DEFAULT = "jobs.yaml"


class Choices(NamedTuple):
    """Everything that the command line says but the files."""

    output: Path | None
    checkpoint: str
    overrides: Overrides
    picks: Path | None
    means: Means
    limit: int | None
    replan: bool
    resume: bool
    workers: int
    form: str


@click.command(name="render", short_help="Render job files and prompt files to images.")
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the pictures. Default: beside the file, named by its stem.",
)
@click.option("--model", help="Model card to render with.")
@click.option("--checkpoint", default="", help="Weights: a .safetensors file or diffusers folder.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any field of a job; repeatable."
)
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@click.option("--diff", is_flag=True, help="With --dry-run: what fixing changes.")
@click.option(
    "--picks",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Names the pictures of an output folder to go on from, one a line.",
)
@click.option("--limit", type=click.IntRange(1), help="Render at most this many pictures now.")
@click.option("--replan", is_flag=True, help="Make the frozen plan anew: random seeds, prompts.")
@click.option("--no-resume", is_flag=True, help="Render again what is done already.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 or mps.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "float16", "bfloat16"]),
    default="auto",
    show_default=True,
    help="Precision; auto is float16 on an accelerator.",
)
@click.option("--batch-size", default="auto", show_default=True, help="Pictures at once, or auto.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that draw at once; each takes the next GPU.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form."
)
def command(
    files: tuple[Path, ...],
    output: Path | None,
    model: str | None,
    checkpoint: str,
    settings: tuple[str, ...],
    dry_run: bool,
    diff: bool,
    picks: Path | None,
    limit: int | None,
    replan: bool,
    no_resume: bool,
    device: str,
    dtype: str,
    batch_size: str,
    workers: int,
    form: str,
) -> int:
    """Render job files (.yaml), prompt files (.txt) and images (again) to a folder of pictures.

    Prompts are linted and fixed, planned, frozen and rendered. Started again, only what is
    missing is rendered. A folder means its *.txt files, an output folder the pictures in it, - is
    stdin; without FILE, `jobs.yaml` of this folder.

    \b
    Examples:
      tagkit render jobs.yaml -o out
      tagkit render prompts.txt --model tiny --set count=4 --set seed=7
      tagkit render jobs.yaml --dry-run --diff
      tagkit expand "1girl, umbrella" -n 4 | tagkit render - -o out
      tagkit render jobs.yaml --checkpoint model.safetensors --device cuda
      tagkit render out --picks picks.txt --set hires=card --set hires.denoise=0.4
    """
    from tagkit.rendering import Means
    from tagkit.rendering.jobfile import parse_overrides

    model_set = (f"model={model}",) if model else ()
    choices = Choices(
        output,
        _resolved(checkpoint),
        parse_overrides((*settings, *model_set)),
        picks,
        Means(device, dtype, _batch_size(batch_size)),
        limit,
        replan,
        not no_resume,
        workers,
        form,
    )
    with TemporaryDirectory() as folder:
        orders = list(_orders(files or (Path(_DEFAULT),), choices, Path(folder)))
        return _show(orders, choices, diff) if dry_run or diff else _render(orders, choices)


def _orders(files: Sequence[Path], choices: Choices, temporary: Path) -> Iterator[Order]:
    """Files that share an output folder are one order; without `-o` each has its own."""
    from tagkit.rendering import Order

    found = [real for file in files for real in _real_files(file, choices, temporary)]
    groups = [tuple(found)] if choices.output else [(file,) for file in found]
    home = Path() if Path(STDIN) in files else None
    for group in groups:
        yield Order(group, choices.overrides, choices.checkpoint, home, choices.picks)


def _real_files(file: Path, choices: Choices, temporary: Path) -> Iterator[Path]:
    """A folder means its prompt files unless it is an output, `-` what comes from stdin."""
    from tagkit.rendering import is_output

    if str(file) == STDIN:
        if choices.output is None:
            raise UserError("pictures of prompts from stdin need a folder", "", "-o pictures")
        real = temporary / "stdin.txt"
        real.write_bytes(sys.stdin.buffer.read())
        yield real
    elif file.is_dir() and not is_output(file):
        found = [Path(each) for each in expanded((str(file),))]
        if found == [file]:
            raise empty_folder(str(file))
        yield from found
    elif file.exists():
        yield file
    else:
        hint = "tagkit render jobs.yaml" if str(file) == _DEFAULT else ""
        raise UserError(f"there is no file `{file}`", "", hint)


def _render(orders: Sequence[Order], choices: Choices) -> int:
    """Renders one order after the other; one that cannot be rendered does not stop the rest."""
    from tagkit.commands.progress import watching
    from tagkit.commands.stopping import stoppable
    from tagkit.rendering import render_order

    status = EXIT_DONE
    summaries = []
    for order in orders:
        try:
            with stoppable() as stop, watching() as watch:
                summary = render_order(
                    order,
                    choices.output or order.output,
                    choices.means,
                    complete=_completer(order, choices),
                    limit=choices.limit,
                    replan=choices.replan,
                    resume=choices.resume,
                    watch=watch,
                    workers=choices.workers,
                    stop=stop,
                )
        except UserError as error:
            report(error)
            status = EXIT_FAILED
            continue
        summaries.append(summary)
        status = max(status, EXIT_FOUND if summary.jobs.failed else EXIT_DONE)
    _print_summaries(summaries, choices.form)
    return status


def _completer(order: Order, choices: Choices) -> Complete:
    from tagkit.commands.completing import completer

    settings = find_settings(order.home or order.paths[0])
    return completer(choices.means.device, settings.cards)


def _show(orders: Sequence[Order], choices: Choices, diff: bool) -> int:
    from tagkit.rendering import planned

    jobs: list[Job] = []
    for order in orders:
        output = choices.output or order.output
        complete = _completer(order, choices)
        plan = planned(order, output, complete=complete, replan=choices.replan)
        for warning in plan.warnings:
            click.echo(f"warning: {warning}", err=True)
        jobs += plan.jobs[: choices.limit]
    for reason in dict.fromkeys(job.unresolved for job in jobs if job.unresolved):
        click.echo(f"warning: {reason}", err=True)
    if choices.form == "json":
        import msgspec

        document = msgspec.json.encode({"version": 1, "jobs": [job.public() for job in jobs]})
        click.echo(msgspec.json.format(document, indent=2).decode())
    elif diff:
        _print_diff(jobs)
    else:
        _print_jobs(jobs)
    return EXIT_DONE


def _print_jobs(jobs: Sequence[Job]) -> None:
    for job in jobs:
        size = f"{job.width}x{job.height}"
        if job.hires:
            size += f" to {job.hires.width}x{job.hires.height}"
        refused = "  REFUSED: " + job.refused if job.refused else ""
        click.echo(
            f"{job.file}  {job.model} {size} steps {job.steps} cfg {job.cfg:g} seed {job.seed}  "
            f"{job.prompt}{refused}"
        )
    number = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}"
    click.echo(f"{number}, {changes(jobs)}", err=True)


def _print_diff(jobs: Sequence[Job]) -> None:
    """Every prompt that fixing or expanding changed, once; the negative prompt with it."""
    from tagkit.reporting.diff import unified

    shown: dict[tuple[str, str, str], str] = {}
    for job in jobs:
        shown.setdefault((job.original, job.prompt, job.negative), job.file)
    for (before, after, negative), file in shown.items():
        for line in unified(before, after, file) if before != after else [f" {before}"]:
            click.echo(line)
        click.echo(f" Negative prompt: {negative}")
    click.echo(changes(jobs), err=True)


def _print_summaries(summaries: Sequence[Summary], form: str) -> None:
    if form == "json":
        import msgspec

        runs = [
            msgspec.structs.asdict(each.jobs)
            | {"output": str(each.output), "rendered": each.rendered, "seconds": each.seconds}
            for each in summaries
        ]
        click.echo(msgspec.json.format(msgspec.json.encode({"version": 1, "runs": runs})).decode())
        return
    for each in summaries:
        counts = each.jobs
        left = f", {counts.pending} pending" if counts.pending else ""
        click.echo(
            f"{each.output}: {counts.done} of {counts.total} done, {counts.failed} failed{left} "
            f"({each.rendered} rendered in {each.seconds} s)"
        )
        if counts.failed:
            click.echo(f"`tagkit status {each.output} --failed` says why", err=True)


def _batch_size(text: str) -> int:
    if text == "auto":
        return 0
    if not text.isdecimal() or not int(text):
        raise UserError(f"`--batch-size {text}` is neither a number nor auto")
    return int(text)


def _resolved(checkpoint: str) -> str:
    """A path means the same from any folder; a name stays a name."""
    path = Path(checkpoint).expanduser()
    return str(path.resolve()) if checkpoint and path.exists() else checkpoint
