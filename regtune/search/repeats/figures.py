"""Mean and spread of each number over runs of one config."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One number over several runs, in its own unit."""

    mean: float
    std: float | None  # between runs, n − 1; None: one run
    lowest: float
    highest: float
    runs: int  # runs that have the number


def spread_of(values: Sequence[float]) -> Spread:
    """values: at least one."""
    return Spread(
        mean=statistics.fmean(values),
        std=statistics.stdev(values) if len(values) > 1 else None,
        lowest=min(values),
        highest=max(values),
        runs=len(values),
    )


def figures_of(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """{"validation": {"loss": Spread as a dict, metric: …}, "test": …}; test only where the runs have a test split.

    runs: run.json of finished runs. A number that a run does not have (its model's output was not finite) is left out.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for side in ("validation", "test"):
        columns: dict[str, list[float | None]] = {}
        for result in (run[side] for run in runs if run[side] is not None):
            values = {"loss": result["loss"], **{name: one["value"] for name, one in result["metrics"].items()}}
            for name, value in values.items():
                columns.setdefault(name, []).append(value)
        spreads = {name: [value for value in values if value is not None] for name, values in columns.items()}
        if spreads:
            found[side] = {name: asdict(spread_of(values)) for name, values in spreads.items() if values}
    return found
