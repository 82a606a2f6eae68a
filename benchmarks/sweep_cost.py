"""What a sweep costs beside training: per trial, against a process per trial; and what a second worker brings.

    python benchmarks/sweep_cost.py [--rounds 3] [--model minilm] [--data FOLDER] [--json FILE]

Every worker and every process has one thread; 200 rows of snips_slots, fold 1 of 5 held out.

Fixed cost of a trial: all that is not training steps and evaluations. In a warm worker of a sweep: from the claim to
the first optimizer step, and from the last evaluation to the next claim; the first trial apart. Against a process that
imports, trains one trial and ends (with `train_trial`, so the same trial, without a study): from its start to the
first step, and from the last evaluation to its end. Measured in turns: a round is one sweep of 14 trials of one epoch
(10 random, then the Gaussian process) and three processes.

Two workers: the same ten trials of four epochs (a grid; patience off, so all are equally long) by one worker and by
two, in turns, each sweep in a process of its own. Trials per hour from the first claim to the end of the last trial,
and of the whole command.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

ROWS = 200


def sweep_here(path: Path, workers: int) -> None:
    """A whole sweep, as a command would do it."""
    from sweep_parts import OneThreadEach, run_sweep
    from timed_worker import timed_work

    run_sweep(path, OneThreadEach(workers, timed_work))


def trial_here(path: Path, folder: Path) -> None:
    """One trial of a sweep's own config, as a script would do it."""
    from timed_worker import IN_TRIAL, Notes, note, noting, write_notes

    from regtune.search.study.job import Repetition, job_config
    from regtune.search.sweep_file import load_sweep
    from regtune.training.signals import StopSignals
    from regtune.training.trial import train_trial

    notes: Notes = []
    config = job_config(load_sweep(path).config, {}, Repetition(fold=1, folds=5, seed=0))
    with noting(notes, *IN_TRIAL), StopSignals() as signals:
        train_trial(
            config,
            folder,
            told=lambda history, step: note(notes, "evaluated"),
            checkpoint_seconds=30.0,
            signals=signals,
        )
    write_notes(folder / "moments.json", notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="minilm", help="minilm, or tiny to try the script")
    parser.add_argument("--data", type=Path, help="the folder with one folder a set")
    parser.add_argument("--json", type=Path, help="write every measurement into this file")
    parser.add_argument("--only", choices=("fixed", "workers"), help="one of the two measurements")
    parser.add_argument("--sweep", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--trial", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.trial:
        trial_here(given.sweep, given.trial)
        return
    if given.sweep:
        sweep_here(given.sweep, given.workers)
        return

    from cost_of_workers import measure_workers, print_workers
    from cost_parts import Measuring
    from cost_per_trial import measure_fixed, print_fixed
    from results import machine
    from sweep_parts import DATA, write_draw

    data = given.data or DATA
    if not (data / "snips_slots").is_dir():
        parser.error(f"{data}: no folder snips_slots in it; name the one with the data sets with --data")
    print(f"{machine()}\nload of the machine before: {os.getloadavg()[0]:.1f}\n", flush=True)
    measured: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as name:
        train, _ = write_draw("snips_slots", data, Path(name), rows=ROWS, seed=0)
        measuring = Measuring(given.rounds, given.model, train, Path(name))
        if given.only != "workers":
            measured["fixed"] = measure_fixed(measuring)
        if given.only != "fixed":
            measured["workers"] = measure_workers(measuring)
    if "fixed" in measured:
        print_fixed(measured["fixed"])
    if "workers" in measured:
        print_workers(measured["workers"])
    if given.json:
        given.json.write_text(json.dumps(measured, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
