"""All that a finished sweep found, as plain values: `result.json`. The summary and the report are written from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from regtune.config.document import Plain
from regtune.errors import EnvironmentFault
from regtune.run import write_text
from regtune.search.judging.result import Difference, Edge, PatienceCost, Standing, Verdict


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A job that never gave a value."""

    candidate: str
    fold: int
    folds: int
    seed: int
    changes: dict[str, Plain]
    attempts: int
    error: str  # one line


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """What a sweep found. standings: the final table, best first; own is always in it unless it failed."""

    name: str
    folder: str  # as the user named it: it begins the commands that are shown
    storage: str  # for display: no password in it
    model: str
    task: str
    objective: str  # "loss" (clean validation loss) or a metric
    unit: str  # of the loss
    higher_is_better: bool  # of the objective
    headline: str  # metric
    space: tuple[dict[str, Any], ...]  # Space.to_plain(): {key, choices | low, high, log, step, off}
    own_values: dict[str, Plain]  # the base config's value of every key of the space
    verdict: Verdict
    standings: tuple[Standing, ...]
    patience: int | None  # evaluations, of the base config; None: trials ran to their last epoch
    patience_costs: tuple[PatienceCost, ...]
    importances: dict[str, float]  # key → share of the objective's variance in the search, sum 1; empty: not estimated
    edges: tuple[Edge, ...]
    failures: tuple[Failure, ...]
    counts: dict[str, int]  # status → jobs
    search_trials: int
    seconds: float  # of wall time, over all times the sweep was started
    trial_epochs: float  # trained in all jobs together
    hosts: dict[str, int]  # machine → jobs
    notes: tuple[str, ...]

    @property
    def best_path(self) -> str:
        """The config to train with, as the user would type it."""
        return f"{self.folder}/best.yaml"

    def to_json(self) -> str:
        """Strict JSON: a number that is not finite is null."""
        return json.dumps(_without_nan(asdict(self)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> SweepResult:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError on anything else."""
        raw = json.loads(text)
        if not isinstance(raw, dict):
            raise TypeError("no JSON object")
        return cls(
            **{
                **raw,
                "space": tuple(raw["space"]),
                "verdict": _verdict(raw["verdict"]),
                "standings": tuple(_standing(value) for value in raw["standings"]),
                "patience_costs": tuple(PatienceCost(**value) for value in raw["patience_costs"]),
                "edges": tuple(Edge(**value) for value in raw["edges"]),
                "failures": tuple(Failure(**value) for value in raw["failures"]),
                "notes": tuple(raw["notes"]),
            }
        )


def write_result(path: Path, result: SweepResult) -> None:
    """Replace result.json in one step."""
    write_text(path, result.to_json())


def read_result(path: Path) -> SweepResult:
    """result.json of a sweep. Raises EnvironmentFault when it is missing, torn or of another version."""
    try:
        return SweepResult.from_json(path.read_text("utf-8"))
    except OSError as error:
        raise EnvironmentFault(
            f"{path}: cannot be read ({error.strerror})", hint="the sweep writes it when it is done"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise EnvironmentFault(
            f"{path}: not the result of a sweep ({type(error).__name__}: {error})",
            hint="delete it and run the same `regtune sweep` again: finished trials are kept",
        ) from None


def _verdict(raw: Mapping[str, Any]) -> Verdict:
    return Verdict(**{**raw, "difference": _difference(raw["difference"]), "caveats": tuple(raw["caveats"])})


def _standing(raw: Mapping[str, Any]) -> Standing:
    metrics = {name: _by_repetition(values) for name, values in raw["metrics"].items()}
    mean = math.nan if raw["mean"] is None else raw["mean"]
    numbers = {"values": _by_repetition(raw["values"]), "metrics": metrics, "mean": mean}
    return Standing(**{**raw, **numbers, "against_own": _difference(raw["against_own"])})


def _difference(raw: Mapping[str, Any] | None) -> Difference | None:
    return None if raw is None else Difference(**raw)


def _by_repetition(raw: Mapping[str, float | None]) -> dict[int, float]:
    """JSON has no numbers as keys and no NaN."""
    return {int(repetition): math.nan if value is None else value for repetition, value in raw.items()}


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    return value
