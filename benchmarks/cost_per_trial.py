"""The fixed cost of a trial: in a warm worker of a sweep, and in a process of its own. See sweep_cost.py."""

from __future__ import annotations

import itertools
import statistics
from typing import Any

from cost_parts import Measuring, Seconds, line, run_here, spread
from sweep_parts import write_sweep
from timed_worker import Notes, read_notes

SEARCHED, COLD = 14, 3  # trials of a sweep, and processes, in a round
PARTS = {  # of the fixed cost of a warm trial: (from, to)
    "sampler chooses": ("claimed", "sampled"),
    "data, model and techniques": ("sampled", "prepared"),
    "set-up of the Trainer": ("prepared", "step"),
    "last evaluation to the next claim": ("evaluated", "claimed"),
}


def fixed_costs(notes: Notes) -> list[dict[str, Seconds]]:
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


def warm(measuring: Measuring, number: int) -> list[dict[str, Seconds]]:
    name = f"warm-{number}"
    path = write_sweep(measuring.folder, name, measuring.config(epochs=1), trials=SEARCHED, confirm=0)
    run_here("--sweep", str(path), "--workers", "1")
    return fixed_costs(read_notes(measuring.folder / name / "moments-0.json"))


def cold(measuring: Measuring, number: int) -> Seconds:
    path = write_sweep(measuring.folder, "cold", measuring.config(epochs=1))
    own = measuring.folder / f"cold-{number}"
    spent = run_here("--sweep", str(path), "--trial", str(own))
    notes = read_notes(own / "moments.json")
    step = next(moment for moment in notes if moment.name == "step")
    evaluated = [moment for moment in notes if moment.name == "evaluated"][-1]
    training = {clock: getattr(evaluated, clock) - getattr(step, clock) for clock in ("wall", "cpu")}
    return {clock: spent[clock] - training[clock] for clock in ("wall", "cpu")}


def measure_fixed(measuring: Measuring) -> dict[str, Any]:
    rounds = []
    for number in range(measuring.rounds):
        trials = warm(measuring, number)
        processes = [cold(measuring, COLD * number + each) for each in range(COLD)]
        rounds.append({"first": trials[0], "warm": trials[1:], "process": processes})
        print(
            f"round {number + 1}/{measuring.rounds}: first {trials[0]['all']['wall']:.2f} s,"
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
