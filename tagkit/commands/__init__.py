"""The command line: one file a command, imported when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from tagkit._version import __version__
from tagkit.commands.shared import EXIT_FAILED, EXIT_STOPPED, report
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Listed here so that `tagkit --help` imports none of them.
COMMANDS = {
    "expand": "Complete prompts with a tag model.",
    "explain": "Show the page of a rule or of a model card.",
    "init": "Write a tagkit.yaml.",
    "inspect": "Read the generation data of images.",
    "lexicon": "Look tag names up, import a tag list.",
    "lint": "Check prompts, and fix them.",
    "models": "List and show model cards.",
    "render": "Render job files and prompt files to images.",
    "rules": "List the rules.",
    "status": "Show the state of an output folder.",
    "tokens": "Count CLIP tokens and show the chunks.",
    "train": "Fine-tune a model by a recipe.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, named like them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"tagkit.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `tagkit --help`."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Names the nearest command when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from tagkit.typed_yaml import nearest

            hint = nearest(args[0], list(COMMANDS), "commands")
            raise UserError(f"there is no command `{args[0]}`", "", hint)
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tagkit")
@click.option("--traceback", is_flag=True, help="Show Python's traceback with an error.")
def tagkit(traceback: bool) -> None:
    """Lint, complete and render Danbooru-tag prompts for anime SDXL checkpoints.

    \b
    Examples:
      tagkit lint prompts.txt --fix
      tagkit expand "1girl, blue hair" --temp 0.7
      tagkit render jobs.yaml -o out
    """


def run(argv: Sequence[str]) -> int:
    """Runs a command line; its exit status is that of the contract: 0, 1, 2 or 130."""
    arguments = [each for each in argv if each != "--traceback"]
    try:
        status: Any = tagkit.main(arguments, prog_name="tagkit", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        return EXIT_STOPPED
    except BrokenPipeError:
        # The reader of a pipe has gone; closing the descriptor keeps Python's exit quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UserError, click.ClickException, OSError, MemoryError) as error:
        if len(arguments) != len(argv):
            raise
        report(_as_user_error(error))
        return EXIT_FAILED
    return status if isinstance(status, int) else 0


def _as_user_error(
    error: UserError | click.ClickException | OSError | MemoryError,
) -> UserError:
    if isinstance(error, UserError):
        return error
    if isinstance(error, MemoryError):
        return UserError("there is not enough memory for it", " ".join(str(error).split())[:200])
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "tagkit"
        message = error.format_message()
        return UserError(message[:1].lower() + message[1:].rstrip("."), "", f"{path} --help")
    if isinstance(error, click.ClickException):
        return UserError(error.format_message())
    return UserError(error.strerror or str(error), str(error.filename or ""))
