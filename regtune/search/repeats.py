"""`regtune train --seeds N` and `--folds K`: one config trained several times, to see how much luck is in its figures.

    start       the folder with its config and the list of runs; whatever is wrong is found before or by the first run
    carry_out   one full run after the other, each in a folder of its own; one that fails is noted, the others go on
    finish      mean and spread over the runs; with folds, every row's answer by a model that did not train on it

Seeds keep the split and vary what training draws at random. Folds hold out each row once, and each has its own seed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from regtune.config import check_contradictions, dump_config, load_config
from regtune.config.changes import anchored
from regtune.config.folds import MOST_FOLDS, is_fold
from regtune.config.schema import Config
from regtune.data.fingerprint import fingerprint
from regtune.errors import ConfigError, DataError, DivergedError, Interrupted, RegtuneError
from regtune.run import REPEATS, Run, create_run, discard, write_text
from regtune.search.job import Repetition, job_config
from regtune.search.repeats_figures import figures_of
from regtune.search.repeats_folder import Repeat, RepeatsFolder
from regtune.search.settings import SweepSettings, repetitions

if TYPE_CHECKING:
    from regtune.training.listener import Listener

MOST_SEEDS = 100
Watch = Callable[[str, int, int], "Sequence[Listener]"]  # (name, its number, how many): who listens to the next run


class Train(Protocol):
    """`regtune.api.train` for one config, its other arguments bound."""

    def __call__(self, config: Config, *, listeners: Sequence[Listener]) -> Run: ...


class Resume(Protocol):
    """`regtune.api.resume`."""

    def __call__(self, path: Path, *, listeners: Sequence[Listener]) -> Run: ...


class AllFailed(RegtuneError):
    """No repeat has a result. Keeps the exit code of the first failure."""

    def __init__(self, folder: RepeatsFolder) -> None:
        first = folder.repeats[0]
        super().__init__(
            f"{folder.path}: all {len(folder.repeats)} runs failed, {first.name} with: {first.error}",
            hint=f"{folder.path / REPEATS} has the reason of each",
        )
        assert first.exit_code is not None
        self.exit_code = first.exit_code


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


def carry_out(folder: RepeatsFolder, *, train: Train, resume: Resume, watch: Watch) -> None:
    """Train what is not finished, then write the figures. Also continues repeats that were interrupted.

    A run that is finished, or that diverged, is not trained again; one that failed for another reason is. Where the
    very first preparation fails, the folder goes and its error is raised: the others would fail the same way. Raises
    Interrupted with the state saved, DataError when the data changed since the start, AllFailed.
    """
    with folder.place.locked():
        try:
            refuse_changed_data(folder)
            left = [(number, one) for number, one in enumerate(folder.repeats, start=1) if not is_over(folder, one)]
            if not left and folder.facts["status"] == "completed":
                return
            folder.update(status="running")
            for number, repeat in left:
                listeners = watch(repeat.name, number, len(folder.repeats))
                train_one(folder, repeat, train=train, resume=resume, listeners=listeners)
        except BaseException:
            if not any(folder.has_begun(repeat) for repeat in folder.repeats):
                discard(folder.place)
            raise
        finish(folder)


def train_one(
    folder: RepeatsFolder, repeat: Repeat, *, train: Train, resume: Resume, listeners: Sequence[Listener]
) -> None:
    """One run to its end, and how it ended. Raises Interrupted, and what is wrong before any repeat has begun."""
    run = folder.run_of(repeat)
    try:
        if folder.has_begun(repeat):
            resume(run.path, listeners=listeners)
        else:
            if run.path.exists():
                discard(run)  # a process was killed while it prepared
            config = job_config(load_config(folder.config_path), {}, repeat.repetition)
            train(config.model_copy(update={"output": str(run.path)}), listeners=listeners)
    except (Interrupted, KeyboardInterrupt) as error:
        if not any(folder.has_begun(one) for one in folder.repeats):
            raise
        folder.update(status="interrupted")
        raise interruption(folder, error) from None
    except RegtuneError as error:
        if not any(folder.has_begun(one) for one in folder.repeats):
            raise
        folder.record(repeat.name, status="failed", error=" ".join(str(error).split()), exit_code=error.exit_code)
    else:
        folder.record(repeat.name, status="completed", error=None, exit_code=None)


def is_over(folder: RepeatsFolder, repeat: Repeat) -> bool:
    """Whether nothing can be added to a repeat. Notes an end that a killed process did not come to note."""
    if not folder.has_begun(repeat):
        return False
    run = folder.run_of(repeat)
    if run.status == "diverged":
        folder.record(repeat.name, status="failed", error=run.facts["error"], exit_code=DivergedError.exit_code)
        return True
    is_complete = run.status == "completed" and run.report_path.exists()
    if is_complete:
        folder.record(repeat.name, status="completed", error=None, exit_code=None)
    return is_complete


def finish(folder: RepeatsFolder) -> None:
    """Figures over the finished runs; with folds, their answers to the rows they did not train on."""
    finished = [repeat for repeat in folder.repeats if repeat.status == "completed"]
    if not finished:
        folder.update(status="failed")
        raise AllFailed(folder)
    folder.update(figures=figures_of([folder.run_of(repeat).facts for repeat in finished]))
    if folder.facts["folds"] > 1:
        from regtune.evaluation.out_of_fold import HeldOut, write_out_of_fold

        folds = folder.facts["folds"]
        rounds = {repeat.name: place // folds for place, repeat in enumerate(folder.repeats)}
        pooled = write_out_of_fold(
            folder.out_of_fold_path,
            [
                HeldOut(
                    run=folder.run_of(repeat),
                    fold=repeat.repetition.fold,
                    seed=repeat.repetition.seed,
                    round=rounds[repeat.name],
                )
                for repeat in finished
            ],
        )
        folder.update(out_of_fold=pooled)
    folder.update(status="completed")


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


def interruption(folder: RepeatsFolder, error: Interrupted | KeyboardInterrupt) -> Interrupted:
    repeats = folder.repeats
    done = sum(repeat.status == "completed" for repeat in repeats)
    saved = f" ({error})" if isinstance(error, Interrupted) else ""
    return Interrupted(
        f"interrupted; {done} of {len(repeats)} runs are finished{saved}",
        signal_number=error.exit_code - 128 if isinstance(error, Interrupted) else signal.SIGINT,
        hint=f"continue with `regtune train --resume {folder.path}`",
    )
