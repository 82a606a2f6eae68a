"""The command line: one file per command, each a Typer function that parses, calls `regtune.api` and prints.

Results go to standard output, talk to standard error. This module alone turns exceptions into text and exit codes.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from regtune.cli.doctor import doctor
from regtune.cli.evaluate import evaluate
from regtune.cli.predict import predict
from regtune.cli.runs import runs
from regtune.cli.train import train
from regtune.errors import RegtuneError
from regtune.wording import encodable, printable

INTERRUPTED = 130  # what shells expect after Ctrl-C: 128 + SIGINT

app = typer.Typer(
    name="regtune",
    no_args_is_help=True,
    invoke_without_command=True,  # for --version
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Fine-tune a pretrained model on a small labelled data set: regularized, measured honestly."""
    if version:
        typer.echo(f"regtune {importlib.metadata.version('regtune')}")
        raise typer.Exit


for command in (train, evaluate, predict, runs, doctor):
    app.command(name=command.__name__, no_args_is_help=command in (train, evaluate, predict))(command)


def run_command_line(arguments: list[str]) -> int:
    """Run one command and return its exit code; no exception leaves this function."""
    try:
        code = app(arguments, prog_name="regtune", standalone_mode=False)
        return _interrupted() if code == INTERRUPTED else code if isinstance(code, int) else 0
    except RegtuneError as error:
        _report(error)
        return error.exit_code
    except TyperException as error:
        if error.format_message():  # empty when a command without arguments has just printed its help
            _say(f"error: {error.format_message()}")
            _say("hint: `regtune --help` lists the commands, `regtune COMMAND --help` their options")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:  # `regtune runs | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the border: whatever is left is a bug of ours, and says so
        _say(f"error: regtune failed unexpectedly: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        _say(f"hint: this is a bug; please report it with {_write_crash(error)}")
        return 1


def _interrupted() -> int:
    """Ctrl-C outside of training proper, or for the second time: nothing was waited for."""
    _say("error: interrupted")
    _say("hint: a run that had begun goes on with `regtune train --resume RUN`; `regtune runs` lists them")
    return INTERRUPTED


def _report(error: RegtuneError) -> None:
    for line in str(error).splitlines():
        _say(f"error: {line}")
    if error.hint is not None:
        _say(f"hint: {error.hint}")


def _say(line: str) -> None:
    """One line on standard error, whatever its encoding can show, with control characters made visible."""
    print(encodable(printable(line), encoding=sys.stderr.encoding or "ascii"), file=sys.stderr)  # noqa: T201 our voice


def _write_crash(error: Exception) -> Path:
    """The traceback goes to a file, not to the terminal."""
    handle, name = tempfile.mkstemp(prefix="regtune-crash-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(name)
