"""`regtune predict`: answers for new rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV or JSONL with the run's text column.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help=".csv or .jsonl file to write; must not exist.")
    ],
) -> None:
    """Write every row with prediction, confidence and one probability per class; dropout off, any number of rows.

    Example: `regtune predict runs/small new_messages.csv -o answers.csv`.
    """
    from regtune import api

    rows = api.predict(run, data, output)
    typer.echo(f"{rows} rows written to {output}")
