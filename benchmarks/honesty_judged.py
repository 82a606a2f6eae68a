"""What a sweep said and chose, against the truth: is the verdict right, what does the choice cost, how soon it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sweep_truth import Truths, Values, as_json, identity, value_of, values_of

from regtune.config.schema import Config
from regtune.search.judging.sweep_result import SweepResult
from regtune.search.space.space import Space
from regtune.search.study.record import Record

NEAR = 0.03  # within 3 % of the grid's best test loss

RECOMMENDED, BEST, SEARCH_ONLY = "recommended by the sweep", "first of the sweep's table", "argmin of its search alone"
RANDOM, GRID, OWN = "argmin of random search", "argmin of the grid", "the user's own"


@dataclass(frozen=True)
class Choices:
    """by_name: what was chosen. runs: what each cost. path: (trial-epochs so far, the best so far) of the search."""

    by_name: dict[str, Values]
    runs: dict[str, int]
    path: list[tuple[float, Values]]
    epochs: float  # of the whole sweep

    @property
    def all(self) -> list[Values]:
        return [*self.by_name.values(), *(values for _, values in self.path)]


def choices(
    result: SweepResult, records: Sequence[Record], random: Sequence[Record] | None, *, base: Config, space: Space
) -> Choices:
    """records: of the sweep. random: of another one that only searched, None: there is none."""
    changes = {standing.candidate: standing.changes for standing in result.standings}
    search = [record for record in records if record.job.stage == "search" and record.status == "done"]
    path: list[tuple[float, Values]] = []
    epochs, best = 0.0, float("inf")
    for record in sorted(search, key=lambda record: record.number):
        epochs += record.history.last.epoch
        if value_of(record) < best:
            best = value_of(record)
            path.append((epochs, values_of(base, record.changes or {}, space)))
    by_name = {
        OWN: values_of(base, {}, space),
        RECOMMENDED: values_of(base, changes[result.verdict.recommended], space),
        BEST: values_of(base, changes[result.verdict.best], space),
        SEARCH_ONLY: path[-1][1],
    }
    runs = {OWN: 0, RECOMMENDED: len(records), BEST: len(records), SEARCH_ONLY: len(search)}
    if random is not None:
        done = [record for record in random if record.status == "done"]
        by_name[RANDOM] = values_of(base, min(done, key=value_of).changes or {}, space)
        runs[RANDOM] = len(random)
    return Choices(by_name, runs, path, sum(record.history.last.epoch for record in records if len(record.history)))


def judge(result: SweepResult, chosen: Choices, grid: Sequence[Values], truths: Truths) -> dict[str, Any]:
    """Plain values, for JSON. Losses are test losses, nats per row, means over repetitions."""
    verdict, own, best = result.verdict, chosen.by_name[OWN], chosen.by_name[BEST]
    reference = min(truths.loss(point) for point in grid)
    grid_epochs = sum(truths.epochs[identity(point)] for point in grid)
    repetitions = len(truths.losses(own))
    regrets = {name: truths.loss(values) - reference for name, values in chosen.by_name.items()}
    regrets[GRID] = float(np.mean(argmins(grid, truths))) - reference
    is_same = identity(best) == identity(own)
    return {
        "verdict": verdict.outcome,
        "sentence": verdict.sentence,
        "validation": None if verdict.difference is None else as_json(verdict.difference),
        "test": None if is_same else as_json(truths.difference(best, own)),
        "optimism": verdict.optimism,
        "grid_points": len(grid),
        "repetitions": repetitions,
        "grid_best": reference,
        "grid_best_fair": fair_best(grid, truths),
        "losses": {name: truths.loss(values) for name, values in chosen.by_name.items()},
        "values": {name: dict(values) for name, values in chosen.by_name.items()},
        "regrets": regrets,
        "runs": {**chosen.runs, GRID: len(grid)},
        "grid_epochs": grid_epochs,  # of all repetitions
        "sweep_epochs": chosen.epochs,
        "near_epochs": near_epochs(chosen, truths, reference),
        "path": [(epochs, truths.loss(values)) for epochs, values in chosen.path],
    }


def argmins(grid: Sequence[Values], truths: Truths) -> list[float]:
    """What a grid search of one run per point finds: in each repetition the lowest validation loss wins, and its test
    loss is that of the other repetitions."""
    found = []
    for number in range(len(truths.losses(grid[0]))):
        winner = min(grid, key=lambda point: truths.validation[identity(point)][number])
        found.append(mean_without(truths.losses(winner), number))
    return found


def fair_best(grid: Sequence[Values], truths: Truths) -> float:
    """Test loss of the grid's best point, chosen by the other repetitions: what its winner is without luck."""
    found = []
    for number in range(len(truths.losses(grid[0]))):
        winner = min(grid, key=lambda point: mean_without(truths.losses(point), number))
        found.append(truths.losses(winner)[number])
    return float(np.mean(found))


def mean_without(values: Sequence[float], left_out: int) -> float:
    return float(np.mean([value for number, value in enumerate(values) if number != left_out]))


def near_epochs(chosen: Choices, truths: Truths, reference: float) -> float | None:
    """Trial-epochs until the best so far is near the grid's best; None: never, not even after the confirm stage."""
    stages = [*chosen.path, (chosen.epochs, chosen.by_name[BEST])]
    return next((epochs for epochs, values in stages if truths.loss(values) <= reference * (1 + NEAR)), None)
