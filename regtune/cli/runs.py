"""`regtune runs`: what has been trained here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from regtune.errors import ConfigError, EnvironmentFault
from regtune.run import Run, list_runs
from regtune.wording import printable

COLUMNS = ("run", "status", "model", "epochs", "val_loss", "val_metric", "test_metric", "metric")


def runs(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that holds the run folders.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the runs of a folder with their best validation loss and test result.

    Example: `regtune runs`, or `regtune runs experiments --json`.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder", hint="`regtune train configs/small.yaml` makes the first run")
    rows = [_row(run) for run in list_runs(folder)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        typer.echo(f"no runs in {folder}")
        return
    shown = [COLUMNS, *(tuple(_cell(row[column]) for column in COLUMNS) for row in rows)]
    widths = [max(len(line[i]) for line in shown) for i in range(len(COLUMNS))]
    for line in shown:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _row(run: Run) -> dict[str, Any]:
    """One run's line: losses in nats per row, metrics by the run's headline metric. A damaged one is listed as such."""
    try:
        facts, history = run.facts, run.history
        best, headline, test = history.best, facts["headline"], facts.get("test")
        return {
            "run": str(run.path),
            "status": facts["status"],
            "model": facts["model"],
            "epochs": history.last.epoch if len(history) else None,
            "val_loss": best.validation_loss if best else None,
            "val_metric": best.metrics[headline] if best else None,
            "test_metric": test["metrics"][headline]["value"] if test else None,
            "metric": headline,
        }
    except (EnvironmentFault, ValueError, KeyError, TypeError):
        return {**dict.fromkeys(COLUMNS), "run": str(run.path), "status": "unreadable"}


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value))
