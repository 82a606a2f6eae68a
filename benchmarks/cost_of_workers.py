"""What a second worker brings: the same trials by one worker and by two. See sweep_cost.py."""

from __future__ import annotations

from typing import Any

from cost_parts import Measuring, run_here, spread, wide
from sweep_parts import write_sweep
from timed_worker import read_notes

GRID = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35]  # with own and off: ten trials, five for each of two workers
EPOCHS = 4


def grid_sweep(measuring: Measuring, *, workers: int, number: int) -> dict[str, float]:
    """Trials per hour of a grid, "inside" and "whole"; CPU seconds "per_trial" of the workers, "command" of all."""
    name = f"grid-{workers}-{number}"
    path = write_sweep(
        measuring.folder,
        name,
        measuring.config(epochs=EPOCHS),
        sampler="grid",
        confirm=0,
        space={"regularization.dropout": GRID},
    )
    spent = run_here("--sweep", str(path), "--workers", str(workers))
    notes = [read_notes(file) for file in sorted((measuring.folder / name).glob("moments-*.json"))]
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


def measure_workers(measuring: Measuring) -> dict[str, Any]:
    found: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
    for number in range(measuring.rounds):
        for workers in ("1", "2") if number % 2 == 0 else ("2", "1"):
            rates = grid_sweep(measuring, workers=int(workers), number=number)
            found[workers].append(rates)
            print(
                f"round {number + 1}/{measuring.rounds}: {workers} worker(s) {rates['inside']:.0f} trials per hour,"
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
