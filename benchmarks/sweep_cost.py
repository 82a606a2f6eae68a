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
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROWS, SEARCHED, COLD = 200, 14, 3
GRID = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35]  # with own and off: ten trials, five for each of two workers
GRID_EPOCHS = 4
PARTS = {  # of the fixed cost of a warm trial: (from, to)
    "sampler chooses": ("claimed", "sampled"),
    "data, model and techniques": ("sampled", "prepared"),
    "set-up of the Trainer": ("prepared", "step"),
    "last evaluation to the next claim": ("evaluated", "claimed"),
}
Seconds = dict[str, float]  # by "wall" and "cpu"


@dataclass(frozen=True)
class Options:
    rounds: int
    model: str
    data: Path
    json: Path | None


# ---- in processes of their own ---------------------------------------------------------------------------------------


def sweep_here(path: Path, workers: int) -> None:
    """A whole sweep, as a command would do it."""
    from sweep_parts import OneThreadEach, run_sweep
    from timed_worker import timed_work

    run_sweep(path, OneThreadEach(workers, timed_work))


def trial_here(path: Path, folder: Path) -> None:
    """One trial of a sweep's own config, as a script would do it."""
    from timed_worker import IN_TRIAL, note, noting, write_notes

    from regtune.search.job import Repetition, job_config
    from regtune.search.sweep_file import load_sweep
    from regtune.training.trial import train_trial

    notes: list[Any] = []
    config = job_config(load_sweep(path).config, {}, Repetition(fold=1, folds=5, seed=0))
    with noting(notes, *IN_TRIAL):
        train_trial(config, folder, told=lambda history, step: note(notes, "evaluated"), checkpoint_seconds=30.0)
    write_notes(folder / "moments.json", notes)


def run_here(*arguments: str) -> Seconds:
    """This script in another process: seconds from its start to its end, and of its CPU time with its children's."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, __file__, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"began": began, "ended": time.monotonic(), "wall": time.monotonic() - began, "cpu": cpu}


# ---- fixed cost ------------------------------------------------------------------------------------------------------


def config_of(options: Options, train: Path, *, epochs: int) -> dict[str, Any]:
    return {
        "task": "text-classification",
        "model": options.model,
        "data": {"train": str(train), "text": "text", "label": "label", "max_length": 64},
        "regularization": {"dropout": 0.1, "weight_decay": 0.01, "smoothing": 0.1, "patience": None},
        "training": {"epochs": epochs, "batch_size": 16, "learning_rate": 1.5e-4, "device": "cpu"},
    }


def fixed_costs(notes: list[Any]) -> list[dict[str, Seconds]]:
    """Of each trial of a worker but the last, {part: seconds}, with "all" of them."""
    starts = [number for number, moment in enumerate(notes) if moment.name == "claimed"]
    found = []
    for start, end in itertools.pairwise(starts):
        first: dict[str, Any] = {}
        last: dict[str, Any] = {}
        for moment in notes[start:end]:
            first.setdefault(moment.name, moment)
            last[moment.name] = moment
        first["evaluated"] = last["evaluated"]
        parts = {
            name: {
                clock: getattr(notes[end] if a == "evaluated" else first[b], clock) - getattr(first[a], clock)
                for clock in ("wall", "cpu")
            }
            for name, (a, b) in PARTS.items()
        }
        parts["all"] = {clock: sum(part[clock] for part in parts.values()) for clock in ("wall", "cpu")}
        found.append(parts)
    return found


def warm(options: Options, folder: Path, train: Path, number: int) -> list[dict[str, Seconds]]:
    from sweep_parts import write_sweep
    from timed_worker import read_notes

    name = f"warm-{number}"
    path = write_sweep(folder, name, config_of(options, train, epochs=1), trials=SEARCHED, confirm=0)
    run_here("--sweep", str(path), "--workers", "1")
    return fixed_costs(read_notes(folder / name / "moments-0.json"))


def cold(options: Options, folder: Path, train: Path, number: int) -> Seconds:
    from sweep_parts import write_sweep
    from timed_worker import read_notes

    path = write_sweep(folder, "cold", config_of(options, train, epochs=1))
    own = folder / f"cold-{number}"
    spent = run_here("--sweep", str(path), "--trial", str(own))
    notes = read_notes(own / "moments.json")
    step = next(moment for moment in notes if moment.name == "step")
    evaluated = [moment for moment in notes if moment.name == "evaluated"][-1]
    training = {clock: getattr(evaluated, clock) - getattr(step, clock) for clock in ("wall", "cpu")}
    return {clock: spent[clock] - training[clock] for clock in ("wall", "cpu")}


def measure_fixed(options: Options, folder: Path, train: Path) -> dict[str, Any]:
    rounds = []
    for number in range(options.rounds):
        trials = warm(options, folder, train, number)
        processes = [cold(options, folder, train, COLD * number + each) for each in range(COLD)]
        rounds.append({"first": trials[0], "warm": trials[1:], "process": processes})
        print(
            f"round {number + 1}/{options.rounds}: first {trials[0]['all']['wall']:.2f} s,"
            f" warm {statistics.median(trial['all']['wall'] for trial in trials[1:]):.2f} s,"
            f" process {statistics.median(each['wall'] for each in processes):.2f} s",
            flush=True,
        )
    return {"rounds": rounds}


def print_fixed(measured: dict[str, Any]) -> None:
    rounds = measured["rounds"]
    trials = [trial for each in rounds for trial in each["warm"]]
    processes = [process for each in rounds for process in each["process"]]
    print(f"\nfixed cost of a trial, medians (range), seconds{'wall':>16}{'CPU':>26}")
    line("first trial of a worker", [each["first"]["all"] for each in rounds])
    line(f"each further one ({len(trials)})", [trial["all"] for trial in trials], goal="<= 0.5")
    for part in PARTS:
        line(f"  {part}", [trial[part] for trial in trials])
    line(f"a process per trial ({len(processes)})", processes, goal=">= 6")
    for clock in ("wall", "cpu"):
        ratios = [
            statistics.median(process[clock] for process in each["process"])
            / statistics.median(trial["all"][clock] for trial in each["warm"])
            for each in rounds
        ]
        print(f"process / further trial, by round, {clock:<5} {spread(ratios)}")


def line(name: str, values: list[Seconds], goal: str = "") -> None:
    columns = "".join(f"{spread([value[clock] for value in values]):>26}" for clock in ("wall", "cpu"))
    print(f"{name:<38}{columns}{'   goal ' + goal if goal else ''}")


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} ({min(values):.2f} to {max(values):.2f})"


# ---- two workers -----------------------------------------------------------------------------------------------------


def grid_sweep(options: Options, folder: Path, train: Path, *, workers: int, number: int) -> dict[str, float]:
    """Trials per hour of a grid, "inside" and "whole"; CPU seconds "per_trial" of the workers, "command" of all."""
    from sweep_parts import write_sweep
    from timed_worker import read_notes

    name = f"grid-{workers}-{number}"
    path = write_sweep(
        folder,
        name,
        config_of(options, train, epochs=GRID_EPOCHS),
        sampler="grid",
        confirm=0,
        space={"regularization.dropout": GRID},
    )
    spent = run_here("--sweep", str(path), "--workers", str(workers))
    notes = [read_notes(file) for file in sorted((folder / name).glob("moments-*.json"))]
    claimed = [moment for each in notes for moment in each if moment.name == "claimed"]
    over = [moment for each in notes for moment in each if moment.name == "over"]
    inside = max(moment.wall for moment in over) - min(moment.wall for moment in claimed)
    cpu = sum(moment.cpu for moment in over) - sum(moment.cpu for moment in claimed)
    return {
        "trials": len(over),
        "inside": 3600 * len(over) / inside,
        "whole": 3600 * len(over) / spent["wall"],
        "per_trial": cpu / len(over),
        "command": spent["cpu"],
    }


def measure_workers(options: Options, folder: Path, train: Path) -> dict[str, Any]:
    found: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
    for number in range(options.rounds):
        for workers in ("1", "2") if number % 2 == 0 else ("2", "1"):
            rates = grid_sweep(options, folder, train, workers=int(workers), number=number)
            found[workers].append(rates)
            print(
                f"round {number + 1}/{options.rounds}: {workers} worker(s) {rates['inside']:.0f} trials per hour,"
                f" {rates['whole']:.0f} with start-up, {rates['per_trial']:.1f} CPU s per trial",
                flush=True,
            )
    return found


def print_workers(measured: dict[str, Any]) -> None:
    print(f"\n{'trials per hour, medians (range)':<38}{'one worker':>26}{'two workers':>26}{'two / one':>26}")
    for name, key in (("without start-up", "inside"), ("whole command", "whole")):
        one, two = ([each[key] for each in measured[workers]] for workers in ("1", "2"))
        columns = [wide(one), wide(two), spread([b / a for a, b in zip(one, two, strict=True)])]
        print(f"{name:<38}{''.join(f'{column:>26}' for column in columns)}   goal >= 1.7")
    one, two = ([each["per_trial"] for each in measured[workers]] for workers in ("1", "2"))
    ratios = spread([b / a for a, b in zip(one, two, strict=True)])
    print(f"{'CPU seconds of a trial':<38}{spread(one):>26}{spread(two):>26}{ratios:>26}")


def wide(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


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

    from results import machine
    from sweep_parts import DATA, write_draw

    options = Options(given.rounds, given.model, given.data or DATA, given.json)
    if not (options.data / "snips_slots").is_dir():
        parser.error(f"{options.data}: no folder snips_slots in it; name the one with the data sets with --data")
    print(f"{machine()}\nload of the machine before: {os.getloadavg()[0]:.1f}\n", flush=True)
    measured: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train, _ = write_draw("snips_slots", options.data, folder, rows=ROWS, seed=0)
        if given.only != "workers":
            measured["fixed"] = measure_fixed(options, folder, train)
        if given.only != "fixed":
            measured["workers"] = measure_workers(options, folder, train)
    if "fixed" in measured:
        print_fixed(measured["fixed"])
    if "workers" in measured:
        print_workers(measured["workers"])
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
