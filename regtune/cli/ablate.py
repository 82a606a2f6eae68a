"""`regtune ablate`: what each technique of a config contributes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from regtune.cli.sweep import CHECKING, AsJson, Workers, leaderboard
from regtune.errors import ConfigError


def ablate(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="CONFIG [KEY=VALUE]", help="A YAML config, then any keys to set, as section.key=value."),
    ],
    folds: Annotated[
        int | None,
        typer.Option("--folds", metavar="K", help="Hold out each of K parts of the rows in turn; left out: 5."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", help="Train with N seeds on the config's own split; for a file: 5."),
    ] = None,
    workers: Workers = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="URL", help="Database of the study; left out: a file in its folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train the whole recipe, each technique off, each alone, and nothing; say what each contributes, with intervals.

    All on the same folds or seeds, compared row by row. The same command continues an interrupted ablation.

    Example: `regtune ablate configs/small.yaml --folds 5`.
    """
    from regtune.config import load_config

    files = [argument for argument in arguments if "=" not in argument or Path(argument).is_file()]
    overrides = [argument for argument in arguments if argument not in files]
    if len(files) != 1:
        got = f"got {', '.join(files)}" if files else "got none"
        raise ConfigError(f"command line: one config, {got}", hint="for example `regtune ablate configs/small.yaml`")
    config = load_config(files[0], overrides)

    from regtune import api
    from regtune.reporting.ablation.table import print_ablation
    from regtune.reporting.ablation.words import ablation_caveats, ablation_sentences

    typer.echo(CHECKING, err=True)
    with leaderboard(on_stderr=as_json) as board:
        result = api.ablate(
            config,
            config_name=files[0],
            folds=folds,
            seeds=seeds,
            workers=workers,
            storage=storage,
            board=board,
        )
    if as_json:
        words = {"sentences": ablation_sentences(result), "caveats": ablation_caveats(result)}
        typer.echo(json.dumps({**result.to_plain(), **words}, indent=2, ensure_ascii=False))
    else:
        print_ablation(result, name=files[0])
