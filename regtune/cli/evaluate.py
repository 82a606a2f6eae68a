"""`regtune evaluate`: score a finished run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Annotated[
        str | None, typer.Option("--data", metavar="FILE", help="Labelled rows; left out: the run's own test split.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score a run's restored model, dropout off, with 95 % intervals.

    Example: `regtune evaluate runs/small --data new_rows.csv`.
    """
    from regtune import api
    from regtune.reporting.summary import interval_text

    result = api.evaluate(run, data=data)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    typer.echo(f"{result['split']}: {result['rows']} rows, 95 % intervals")
    width = max(map(len, result["metrics"]))
    for name, interval in result["metrics"].items():
        typer.echo(f"{name:<{width}}  {interval_text(interval)}")
