"""The command line: one file per command, each a Typer function that parses, calls `regtune.api` and prints.

Results go to standard output, talk to standard error. This module alone turns exceptions into text and exit codes.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from regtune.cli.ablate import ablate
from regtune.cli.doctor import doctor
from regtune.cli.evaluate import evaluate
from regtune.cli.explain import explain
from regtune.cli.predict import predict
from regtune.cli.runs import runs
from regtune.cli.sweep import SweepCommand, sweep
from regtune.cli.train import train
from regtune.errors import EnvironmentFault, RegtuneError
from regtune.training.launch import is_spoken_here, let_others_speak
from regtune.wording import encodable, printable

INTERRUPTED = 130  # what shells expect after Ctrl-C: 128 + SIGINT
TERMINATED = 143  # and after SIGTERM

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


for command in (train, sweep, ablate, evaluate, predict, runs, explain, doctor):
    app.command(
        name=command.__name__,
        cls=SweepCommand if command is sweep else None,
        no_args_is_help=command in (train, evaluate, predict),
    )(command)


def run_command_line(arguments: list[str]) -> int:
    """Run one command and return its exit code; no exception leaves this function."""
    try:
        with _terminable():
            code = app(arguments, prog_name="regtune", standalone_mode=False)
            if sys.stdout is not None:  # None: started with standard output closed
                sys.stdout.flush()  # a full disk shows here, not when Python exits
        return _interrupted(INTERRUPTED) if code == INTERRUPTED else code if isinstance(code, int) else 0
    except RegtuneError as error:
        if is_spoken_here(error):
            _report(error)
        else:
            let_others_speak()
        return error.exit_code
    except TyperException as error:
        # The message is empty when a command without arguments has just printed its help.
        if error.format_message() and is_spoken_here(error):
            _say(f"error: {error.format_message()}")
            _say("hint: `regtune COMMAND --help` lists options; config keys are set as section.key=value")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(INTERRUPTED)
    except SystemExit as leaving:
        if leaving.code == TERMINATED:
            return _interrupted(TERMINATED)
        return _output_lost()  # Typer leaves so when the reader of a pipe is gone: `regtune runs | head`
    except BrokenPipeError:
        return _output_lost()
    except OSError as error:
        _output_lost()
        _say(f"error: {error.filename or 'standard output'}: {error.strerror}")
        return EnvironmentFault.exit_code
    except Exception as error:  # the border: whatever is left is a bug of ours, and says so
        _say(f"error: regtune failed unexpectedly: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        _say(f"hint: this is a bug; please report it with {_write_crash(error)}")
        return 1


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM leaves like Ctrl-C does, so that what was half-made is removed; training has a handler of its own."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(TERMINATED)

    if threading.current_thread() is not threading.main_thread():  # Python allows handlers only there
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _output_lost() -> int:
    """What is still buffered would fail again when Python exits: let it go to nowhere. The reader has seen enough."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _interrupted(code: int) -> int:
    """Ctrl-C or SIGTERM outside of training proper, or for the second time: nothing was waited for."""
    if is_spoken_here(KeyboardInterrupt()):
        _say("error: interrupted")
        _say("hint: a run goes on with `regtune train --resume RUN` (see `regtune runs`), a sweep with its own command")
    return code


def _report(error: RegtuneError) -> None:
    for line in str(error).splitlines():
        _say(f"error: {line}")
    if error.hint is not None:
        _say(f"hint: {error.hint}")


def _say(line: str) -> None:
    """One line on standard error, whatever its encoding can show, with control characters made visible."""
    if sys.stderr is not None:  # None: started with standard error closed
        with contextlib.suppress(OSError):  # nobody can be told; the exit code still speaks
            print(encodable(printable(line), encoding=sys.stderr.encoding), file=sys.stderr, flush=True)  # noqa: T201 our voice


def _write_crash(error: Exception) -> Path:
    """The traceback goes to a file, not to the terminal."""
    handle, name = tempfile.mkstemp(prefix="regtune-crash-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(name)
