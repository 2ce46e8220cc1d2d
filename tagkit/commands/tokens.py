"""`tagkit tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tagkit.clip import Count, count_tokens, prompt_chunks
from tagkit.clip.tokenizer import load_tokenizer
from tagkit.commands.inputs import expanded, named, open_document
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, report
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="tokens", short_help="Count CLIP tokens and show the chunks.")
@click.argument("inputs", nargs=-1, metavar="[TEXT|FILE|-]...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form."
)
def command(inputs: tuple[str, ...], form: str) -> int:
    """Count the CLIP tokens of prompts as A1111 counts them.

    Weights, LoRA tags and comments are no part of the count; chunks hold 75 tokens. What cannot be
    read is reported, the rest is counted.

    \b
    Examples:
      tagkit tokens "1girl, (blue hair:1.2), smile"
      tagkit tokens prompts.txt
      echo "1girl" | tagkit tokens --format json
    """
    texts: list[str] = []
    status = EXIT_DONE
    for each in expanded(named(inputs, "tokens")):
        try:
            texts += [record.positive for record in open_document(each).records]
        except UserError as error:
            report(error)
            status = EXIT_FAILED
    if form == "json" and texts:
        _print_json(texts)
    elif texts:
        _print_text(texts)
    return status


def _print_text(texts: list[str]) -> None:
    for text in texts:
        count = count_tokens(text)
        click.echo(f"{count}  {_shortened(text)}" if len(texts) > 1 else str(count))
        if len(count.chunks) > 1:
            _print_chunks(text, count)


def _print_json(texts: list[str]) -> None:
    import msgspec

    rows = []
    for text in texts:
        count = count_tokens(text)
        rows.append(
            {"version": 1, "tokens": count.total, "limit": count.limit, "chunks": count.chunks}
        )
    value = rows[0] if len(rows) == 1 else {"version": 1, "prompts": rows}
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _print_chunks(text: str, count: Count) -> None:
    """Each chunk's size, and the words on both sides of each cut."""
    for number, chunk in enumerate(prompt_chunks(text), 1):
        first, last = _words(chunk.ids[:4]), _words(chunk.ids[-4:])
        click.echo(f"  chunk {number}: {len(chunk.ids)}/{count.limit}  {first} … {last}")


def _words(ids: Sequence[int]) -> str:
    tokenizer = load_tokenizer()
    return " ".join(str(tokenizer.id_to_token(each)).removesuffix("</w>") for each in ids)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
