"""`regtune train --seeds N` and `--folds K`: one config trained several times, to see how much luck is in its figures.

    start       the folder with its config and the list of runs, see `repeats_start`
    carry_out   one full run after the other, each in a folder of its own; one that fails is noted, the others go on
    finish      mean and spread over the runs; with folds, every row's answer by a model that did not train on it

Seeds keep the split and vary what training draws at random. Folds hold out each row once, and each has its own seed.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from regtune.config import load_config
from regtune.config.schema import Config
from regtune.errors import DivergedError, Interrupted, RegtuneError
from regtune.run import REPEATS, Run, discard
from regtune.search.repeats.figures import figures_of
from regtune.search.repeats.folder import Repeat, RepeatsFolder
from regtune.search.repeats.start import refuse_changed_data
from regtune.search.study.job import job_config

if TYPE_CHECKING:
    from regtune.training.listener import Listener

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
        raise interruption(folder, repeat, error) from None
    except RegtuneError as error:
        if not any(folder.has_begun(one) for one in folder.repeats):
            raise
        folder.record(repeat.name, status="failed", error=" ".join(str(error).split()), exit_code=error.exit_code)
    else:
        folder.record(repeat.name, status="completed", error=None, exit_code=None)
    finally:
        gc.collect()  # the Trainer's reference cycles hold the model: the next one needs its memory on a GPU


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


def interruption(folder: RepeatsFolder, repeat: Repeat, error: Interrupted | KeyboardInterrupt) -> Interrupted:
    repeats = folder.repeats
    done = sum(one.status == "completed" for one in repeats)
    state = str(error) if isinstance(error, Interrupted) else "interrupted before it began or after it ended"
    return Interrupted(
        f"{repeat.name} {state}; {done} of {len(repeats)} runs are finished",
        signal_number=error.exit_code - 128 if isinstance(error, Interrupted) else signal.SIGINT,
        hint=f"continue with `regtune train --resume {folder.path}`",
    )
