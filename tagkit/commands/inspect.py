"""`tagkit inspect`."""

from __future__ import annotations

import click

from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, report
from tagkit.errors import UserError
from tagkit.infotext import Infotext, read_image


@click.command(name="inspect", short_help="Read the generation data of images.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["infotext", "json", "job"]),
    default="infotext",
    help="A1111's text (the default), JSON, or a job file that renders the images again.",
)
def command(images: tuple[str, ...], form: str) -> int:
    """Read the prompt and settings that PNG, JPEG, WebP and AVIF files carry.

    A1111 and Forge, ComfyUI, InvokeAI, NovelAI, Fooocus and SwarmUI are understood, and told in
    A1111's words. A job file names in comments what it cannot carry over.

    \b
    Examples:
      tagkit inspect picture.png
      tagkit inspect out/*.png --format json
      tagkit inspect picture.png --format job > again.yaml
    """
    found: list[tuple[str, Infotext]] = []
    status = EXIT_DONE
    for image in images:
        try:
            found.append((image, read_image(image)))
        except UserError as error:
            report(error)
            status = EXIT_FAILED
    if form == "json":
        _print_json(found)
    elif form == "job":
        _print_job(found)
    else:
        _print_text(found, len(images) > 1)
    return status


def _print_text(found: list[tuple[str, Infotext]], several: bool) -> None:
    """Blocks that `tagkit lint` reads back as records; the paths stand in comments."""
    for number, (path, info) in enumerate(found):
        if several:
            click.echo(("\n" if number else "") + f"# {path}")
        click.echo(str(info))


def _print_json(found: list[tuple[str, Infotext]]) -> None:
    import msgspec

    images = [_described(path, info) for path, info in found]
    document = msgspec.json.encode({"version": 1, "images": images})
    click.echo(msgspec.json.format(document, indent=2).decode())


def _described(path: str, info: Infotext) -> dict[str, object]:
    return {
        "path": path,
        "source": info.source,
        "prompt": info.prompt,
        "negative": info.negative,
        "settings": info.settings,
    }


def _print_job(found: list[tuple[str, Infotext]]) -> None:
    from tagkit.commands.as_job import job_file

    if found:
        click.echo(job_file(found), nl=False)
