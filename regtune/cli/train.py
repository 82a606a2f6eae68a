"""`regtune train`: train a config, or continue an interrupted run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regtune.errors import ConfigError
from regtune.training.launch import read_place


def train(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONFIG [KEY=VALUE]", help="A YAML config, then any keys to set, as section.key=value."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Continue this interrupted run to its end.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the config, for editors, and exit.")
    ] = False,
) -> None:
    """Fine-tune a model as a config says, watch train and validation loss, keep the best weights.

    Example: `regtune train configs/small.yaml regularization.dropout=0.2 output=runs/more-dropout`, and after
    an interruption `regtune train --resume runs/more-dropout`.
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
        _resume(resume, file=files[0] if files else None, overrides=overrides)
        return
    if not files:
        raise ConfigError("command line: no config given", hint="for example `regtune train configs/small.yaml`")
    _train(files[0], overrides)


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
