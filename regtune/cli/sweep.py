"""`regtune sweep`: search a config's settings; `regtune sweep show` and `regtune sweep join` are parts of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from regtune.errors import ConfigError

if TYPE_CHECKING:
    from regtune.search.board import Board
    from regtune.search.judging.sweep_result import SweepResult
    from regtune.search.study.record import Record

CHECKING = "checking config, data and model …"
OWN_FILE = Path("configs/sweep.yaml")  # what `regtune sweep` alone takes, where it exists

Storage = Annotated[
    str | None,
    typer.Option(
        "--storage", metavar="URL", help="Database of the study; left out: the sweep file's, else a file in its folder."
    ),
]


def _at_least_one(workers: int | None) -> int | None:
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers: must be 1 or more, got {workers}")
    return workers


Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", callback=_at_least_one, help="Processes; left out: one per GPU, else per core."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


class SweepCommand(TyperCommand):
    """`regtune sweep`, which hands over to a command of its own where the first word names one."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        part = _part(args[0]) if args else None
        if part is None:
            return super().make_context(info_name, args, parent=parent, **extra)
        return part.make_context(f"{info_name} {args[0]}", args[1:], parent=parent, **extra)


def sweep(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG [KEY=VALUE]",
            help="A sweep file, then any keys to set, as section.key=value. "
            "Left out: configs/sweep.yaml, else the example that comes with regtune.",
        ),
    ] = None,
    storage: Storage = None,
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="NAME", help="Its name in the database; left out: the sweep's folder's name."),
    ] = None,
    workers: Workers = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="ADDRESS", help="Work on this Ray cluster: ray://HOST:10001, or HOST:6379 on a node of it."
        ),
    ] = None,
    as_json: AsJson = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the sweep file, for editors, and exit.")
    ] = False,
) -> None:
    """Search for better settings, confirm the best on further folds, and say whether any beats your own.

    The same command again goes on where it stopped. Two more commands belong to it:

    `regtune sweep show [SWEEP]` shows a sweep, running or finished; `regtune sweep join` works on one from another
    machine. Each has `--help`. (A sweep file called `show` is `./show`.)

    Example: `regtune sweep configs/sweep.yaml`, `regtune sweep configs/sweep.yaml sweep.trials=40 --workers 2`, or
    `regtune sweep` alone.
    """
    if schema:
        from regtune.search.sweep_file import sweep_schema_json

        typer.echo(sweep_schema_json())
        return
    file, overrides = split_arguments(arguments or [])
    with sweep_file(file) as path:
        from regtune import api

        typer.echo(CHECKING, err=True)
        with leaderboard(on_stderr=as_json) as board:
            result = api.sweep(path, overrides, storage=storage, study=study, workers=workers, ray=ray, board=board)
    _print(result, as_json=as_json)


def show(
    sweep: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP", help="A sweep's folder, or its database's URL; left out: the newest sweep in runs/."
        ),
    ] = None,
    study: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="Which one, where a database has several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a sweep, running or finished: verdict, table, importances, patience, edges.

    Example: `regtune sweep show runs/sweep`, or
    `regtune sweep show postgresql+psycopg://me@db/sweeps --study tickets`.
    """
    where = sweep if sweep is not None else str(newest_sweep(Path("runs")))

    from regtune import api

    _print(api.show_sweep(where, study), as_json=as_json)


def join(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="Where things lie on this machine: data.train, data.validation, data.test, model, training.device.",
        ),
    ] = None,
    *,
    storage: Annotated[str, typer.Option("--storage", metavar="URL", help="Database of the study.")],
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="Name of the study in it.")],
    workers: Workers = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", metavar="DIR", help="For checkpoints; left out: the sweep's folder, else ~/.cache/regtune/NAME."
        ),
    ] = None,
) -> None:
    """Work on a sweep that another machine began, until nothing is left to do; data and model are checked first.

    Example: `regtune sweep join --storage postgresql+psycopg://me@db/sweeps --study tickets`, with
    `data.train=/data/tickets.csv` where the file lies elsewhere.
    """
    from regtune.search.workers.places import overrides_here

    here = overrides_here(arguments or [])  # before torch is imported: a typo is reported at once

    from regtune import api

    typer.echo(CHECKING, err=True)

    with leaderboard(on_stderr=False) as board:
        api.join_sweep(storage, study, workers=workers, folder=folder, overrides=here, board=board)
    typer.echo(f"nothing of {study} is left to do; the machine that began it has the verdict", err=True)


_parts = typer.Typer(rich_markup_mode="markdown", pretty_exceptions_enable=False, add_completion=False)
for command in (show, join):
    _parts.command(name=command.__name__)(command)


def _part(word: str) -> Any:
    group: Any = typer.main.get_command(_parts)
    return group.commands.get(word)


def split_arguments(arguments: list[str]) -> tuple[str | None, list[str]]:
    """(config, overrides), in whatever order they were typed. Raises ConfigError for two configs."""
    files = [argument for argument in arguments if "=" not in argument or Path(argument).is_file()]
    if len(files) > 1:
        raise ConfigError(
            f"command line: one sweep file at a time, got {', '.join(files)}",
            hint="`regtune sweep show [SWEEP]` and `regtune sweep join` begin with that word",
        )
    return (files[0] if files else None), [argument for argument in arguments if argument not in files]


@contextmanager
def sweep_file(named: str | None) -> Iterator[Path]:
    """The sweep file to take, said on standard error where the user named none."""
    if named is not None:
        yield Path(named)
    elif OWN_FILE.is_file():
        typer.echo(f"sweep file: {OWN_FILE}", err=True)
        yield OWN_FILE
    else:
        with resources.as_file(resources.files("regtune.search") / "sweep.yaml") as path:
            typer.echo(f"sweep file: the example that comes with regtune, there is no {OWN_FILE} here", err=True)
            yield path


def newest_sweep(folder: Path) -> Path:
    """The sweep of a folder that was begun last. Raises ConfigError when there is none."""
    files = sorted(folder.glob("*/sweep.yaml"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise ConfigError(
            f"{folder}: there is no sweep",
            hint="name one: `regtune sweep show FOLDER`, or a database's URL and --study",
        )
    return files[-1].parent


@contextmanager
def leaderboard(*, on_stderr: bool) -> Iterator[Callable[[Board], None]]:
    """What shows a sweep while the block runs; however that ends, the last table stays on the screen."""
    from regtune.reporting.console import make_console
    from regtune.reporting.sweep.leaderboard import Leaderboard

    screen = Leaderboard(make_console(sys.stderr, environment=os.environ) if on_stderr else None)
    last: list[Board] = []

    def update(board: Board) -> None:
        last[:] = [board]
        screen.update(board)

    try:
        yield update
    finally:
        for board in last:
            screen.close(board)


def _print(found: SweepResult | Board, *, as_json: bool) -> None:
    """A finished sweep's result, or how one that is not finished stands."""
    from regtune.search.board import Board

    if isinstance(found, Board):
        _print_board(found, as_json=as_json)
    elif as_json:
        typer.echo(found.to_json(), nl=False)
    else:
        from regtune.reporting.sweep.summary import print_sweep_summary

        print_sweep_summary(found)


def _print_board(board: Board, *, as_json: bool) -> None:
    if as_json:
        jobs = [_job(record, board) for record in board.records]
        typer.echo(json.dumps({"stage": board.stage, "counts": board.counts, "jobs": jobs}, indent=2))
        return
    from regtune.reporting.sweep.leaderboard import print_board

    print_board(board)


def _job(record: Record, board: Board) -> dict[str, Any]:
    """One job as plain values. value: the objective at the best evaluation of a done one, else null."""
    return {
        "key": record.job.key,
        "candidate": record.job.candidate,
        "fold": record.job.repetition.fold,
        "seed": record.job.repetition.seed,
        "status": record.status,
        "changes": record.changes,
        "value": board.value_of(record),
        "evaluations": len(record.history),
        "host": record.host,
        "error": record.error,
    }
