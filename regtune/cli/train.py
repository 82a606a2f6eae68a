"""`regtune train`: train a config, or continue an interrupted run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regtune.errors import ConfigError
from regtune.run import REPEATS
from regtune.training.launch import read_place

if TYPE_CHECKING:
    from regtune.training.listener import Listener


def train(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONFIG [KEY=VALUE]", help="A YAML config, then any keys to set, as section.key=value."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Continue this interrupted run, or these repeats, to the end."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", metavar="N", help="Train N times with other seeds on one split; mean ± std at the end."
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option("--folds", metavar="K", help="Train K times, each K-th part of the rows held out once."),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the config, for editors, and exit.")
    ] = False,
) -> None:
    """Fine-tune a model as a config says, watch train and validation loss, keep the best weights.

    Example: `regtune train configs/small.yaml regularization.dropout=0.2 output=runs/more-dropout`, and after
    an interruption `regtune train --resume runs/more-dropout`. `--seeds 5` and `--folds 5` say how much of a figure
    is luck.
    """
    if schema:
        from regtune.config import schema_json

        typer.echo(schema_json())
        return
    given = arguments or []
    files = [argument for argument in given if "=" not in argument or Path(argument).is_file()]
    overrides = [argument for argument in given if argument not in files]
    if len(files) > 1:
        raise ConfigError(f"command line: one config at a time, got {', '.join(files)}")
    if resume is not None:
        file = files[0] if files else None
        if (resume / REPEATS).is_file():
            _resume_repeats(resume, file=file, overrides=overrides, asked={"seeds": seeds, "folds": folds})
        elif seeds is not None or folds is not None:
            raise ConfigError(f"command line: --seeds and --folds start new runs, {resume} is a single one")
        else:
            _resume(resume, file=file, overrides=overrides)
        return
    if not files:
        raise ConfigError("command line: no config given", hint="for example `regtune train configs/small.yaml`")
    if seeds is None and folds is None:
        _train(files[0], overrides)
    else:
        _repeat(files[0], overrides, seeds=1 if seeds is None else seeds, folds=1 if folds is None else folds)


def _train(file: str, overrides: list[str]) -> None:
    from regtune.config import load_config

    config = load_config(file, overrides)  # before torch is imported: a typo is reported at once

    from regtune import api
    from regtune.reporting.live import LiveTable
    from regtune.reporting.summary import print_summary

    shows = read_place().is_first
    run = api.train(config, config_name=file, overrides=overrides, listeners=[LiveTable()] if shows else [])
    if shows:
        print_summary(run)


def _resume(path: Path, *, file: str | None, overrides: list[str]) -> None:
    from regtune.config import load_config
    from regtune.config.changes import refuse_changes
    from regtune.run import open_run

    run = open_run(path)
    stored = load_config(run.config_path)
    refuse_changes(stored, load_config(file or run.config_path, overrides), run=str(path))
    if run.status == "completed" and read_place().is_first:
        typer.echo(f"{path} is already finished; nothing is trained", err=True)

    from regtune import api
    from regtune.reporting.live import LiveTable
    from regtune.reporting.summary import print_summary

    shows = read_place().is_first
    resumed = api.resume(path, listeners=[LiveTable()] if shows else [])
    if shows:
        print_summary(resumed)


def _repeat(file: str, overrides: list[str], *, seeds: int, folds: int) -> None:
    from regtune.config import load_config

    config = load_config(file, overrides)

    from regtune import api
    from regtune.reporting.repeats_table import print_repeats

    folder = api.train_repeats(config, seeds=seeds, folds=folds, config_name=file, overrides=overrides, watch=_announce)
    print_repeats(folder)


def _resume_repeats(path: Path, *, file: str | None, overrides: list[str], asked: dict[str, int | None]) -> None:
    from regtune.config import load_config
    from regtune.config.changes import refuse_changes
    from regtune.search.repeats.folder import open_repeats

    folder = open_repeats(path)
    facts = folder.facts
    for name, count in asked.items():
        if count not in (None, facts[name]):
            raise ConfigError(f"command line: --{name}: {path} was begun with {facts[name]}, now {count}")
    refuse_changes(load_config(folder.config_path), load_config(file or folder.config_path, overrides), run=str(path))

    from regtune import api
    from regtune.reporting.repeats_table import print_repeats

    print_repeats(api.resume_repeats(path, watch=_announce))


def _announce(name: str, number: int, count: int) -> list[Listener]:
    """Say which run comes next, and show its table."""
    from regtune.reporting.live import LiveTable

    typer.echo(f"\nrun {number} of {count}: {name}", err=True)
    return [LiveTable()]
