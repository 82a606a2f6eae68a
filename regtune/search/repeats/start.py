"""The start of repeats: how many runs, on which rows and seeds, in which folder. Everything that is wrong with the
request is found here, before a model is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regtune.config import check_contradictions, dump_config, load_config
from regtune.config.changes import anchored
from regtune.config.folds import MOST_FOLDS, is_fold
from regtune.config.schema import Config
from regtune.data.fingerprint import fingerprint
from regtune.errors import ConfigError, DataError
from regtune.run import REPEATS, create_run, discard, write_text
from regtune.search.repeats.folder import Repeat, RepeatsFolder
from regtune.search.settings import SweepSettings, repetitions
from regtune.search.study.job import Repetition, job_config

MOST_SEEDS = 100


def start(
    config: Config, *, seeds: int, folds: int, config_name: str | None = None, overrides: Sequence[str] = ()
) -> RepeatsFolder:
    """Make the folder: config.output, or runs/<config name>. Nothing is trained yet.

    seeds, folds: how many of each, 1: the config's own seed or split; together at least two runs. config_name,
    overrides: the command as typed. Raises ConfigError for what cannot be repeated, DataError and EnvironmentFault for
    data that cannot be read.
    """
    check_contradictions(config)
    check_counts(config, seeds=seeds, folds=folds)
    repeats = plan_repeats(seeds=seeds, folds=folds, seed=config.training.seed)
    for repeat in repeats:
        job_config(config, {}, repeat.repetition)  # raises where a value cannot stand

    from regtune.tasks.infer import resolve_task

    resolved, _, reason = resolve_task(config)  # now: what is left out must not be inferred anew when resuming
    prints = fingerprints(config)
    place = create_run(config.output, config_name=Path(config_name or "run").stem)
    facts: dict[str, Any] = {
        "status": "running",
        "config_name": config_name,
        "overrides": list(overrides),
        "seeds": seeds,
        "folds": folds,
        "data": prints,
        "repeats": [asdict(repeat) for repeat in repeats],
        "figures": None,
        "out_of_fold": None,
        "notes": [reason] if reason else [],
    }
    try:
        write_text(place.config_path, dump_config(anchored(resolved)))
        place.write_json(REPEATS, facts)
    except BaseException:  # a full disk, Ctrl-C: nothing half-made is left behind
        discard(place)
        raise
    return RepeatsFolder(place.path)


def check_counts(config: Config, *, seeds: int, folds: int) -> None:
    """Raise ConfigError where the numbers asked for, or the config's validation rows, leave nothing to repeat."""
    for option, count, most in (("--seeds", seeds, MOST_SEEDS), ("--folds", folds, MOST_FOLDS)):
        if not 1 <= count <= most:
            raise ConfigError(f"command line: {option}: must be from 2 to {most}, got {count}")
    if seeds * folds < 2:
        raise ConfigError("command line: --seeds and --folds: one run has no spread, at least one must be 2 or more")
    validation = config.data.validation
    if folds > 1 and isinstance(validation, str) and not is_fold(validation):
        raise ConfigError(
            f"command line: --folds: the rows to hold out are given, data.validation is the file {validation}",
            hint="--folds divides the training rows: set data.validation=0.2, or repeat with --seeds",
        )


def plan_repeats(*, seeds: int, folds: int, seed: int) -> list[Repeat]:
    """The runs in the order they are trained: all folds, then all folds with further seeds."""
    planned = repetitions(SweepSettings(seeds=seeds, folds=folds), seed=seed)
    return [Repeat(name=name_of(one, seeds=seeds), repetition=one) for one in planned]


def name_of(repetition: Repetition, *, seeds: int) -> str:
    """ "fold-2", "seed-7" or "fold-2-seed-7"."""
    fold = [f"fold-{repetition.fold}"] if repetition.folds > 1 else []
    return "-".join([*fold, *([f"seed-{repetition.seed}"] if seeds > 1 else [])])


def fingerprints(config: Config) -> dict[str, str]:
    """SHA-256 of each file of the config's data, by side."""
    sources = {"train": config.data.train, "validation": config.data.validation, "test": config.data.test}
    return {
        side: fingerprint(source)["sha256"]
        for side, source in sources.items()
        if isinstance(source, str) and not is_fold(source)
    }


def refuse_changed_data(folder: RepeatsFolder) -> None:
    """Raise DataError when a data file is no longer what it was at the start: the runs could not be compared."""
    before, now = folder.facts["data"], fingerprints(load_config(folder.config_path))
    changed = [side for side in before if before[side] != now.get(side)]
    if changed:
        raise DataError(
            f"{folder.path}: the data changed since the repeats began (different: {', '.join(changed)} file)",
            hint="restore the files, or start anew with another output=…",
        )
