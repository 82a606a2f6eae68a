"""What in a `sweep` section cannot stand together, and what it leaves open, decided.

A default gives way where the file makes it impossible, with a note; what the file says is obeyed or refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from regtune.config.folds import is_fold
from regtune.config.schema import Config
from regtune.config.wording import show_value
from regtune.errors import ConfigError
from regtune.search.settings import MOST_TRIALS, SweepSettings
from regtune.search.space.default import everything_off
from regtune.search.space.space import Space

SEEDS_FOR_FILE = 5  # as many repetitions as five folds: a validation file cannot be cut into folds


@dataclass(frozen=True, kw_only=True)
class Settled:
    """problems: (key of the section, what is wrong)."""

    settings: SweepSettings
    notes: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]


def settle(settings: SweepSettings, config: Config, space: Space | None, *, has_space: bool) -> Settled:
    """The settings with defaults that fit the config. space: None for the default one, or for one that is wrong, as
    has_space tells."""
    written = settings.model_fields_set
    problems = [*_objective(settings), *_sampler(settings, space), *_folds(settings, config)]
    changes: dict[str, Any] = {}
    notes = _repetitions(settings, config, changes)
    if settings.sampler == "grid":
        problems += _grid(settings, config, space, has_space=has_space, changes=changes, notes=notes)
    settled = settings.model_copy(update=changes)
    if settled.confirm > 0 and settled.folds * settled.seeds == 1:
        if "confirm" in written:
            problems.append(("confirm", "must be 0 with folds 1 and seeds 1: there is nothing else to confirm on"))
        else:
            notes.append("one fold and one seed leave nothing to confirm on: the ranking is that of the search")
        settled = settled.model_copy(update={"confirm": 0})
    if settled.confirm > settled.trials:
        if "confirm" in written:
            problems.append(("confirm", f"must be at most trials, {settled.trials}, got {settled.confirm}"))
        settled = settled.model_copy(update={"confirm": settled.trials})
    return Settled(settings=settled, notes=tuple(notes), problems=tuple(problems))


def _has_validation_file(config: Config) -> bool:
    return isinstance(config.data.validation, str) and not is_fold(config.data.validation)


def _folds(settings: SweepSettings, config: Config) -> Iterator[tuple[str, str]]:
    if _has_validation_file(config) and "folds" in settings.model_fields_set and settings.folds > 1:
        yield (
            "folds",
            f"must be 1 with a validation file, {show_value(config.data.validation)}, got {settings.folds}: "
            "folds are cut from the training rows; set data.validation to a share, or repeat with seeds",
        )


def _repetitions(settings: SweepSettings, config: Config, changes: dict[str, Any]) -> list[str]:
    """Notes; `changes` gets the defaults that give way."""
    written, validation = settings.model_fields_set, config.data.validation
    if _has_validation_file(config):
        if "folds" in written:
            return []
        changes["folds"] = 1
        if "seeds" not in written:
            changes["seeds"] = SEEDS_FOR_FILE
        seeds = changes.get("seeds", settings.seeds)
        return [f"with a validation file there are no folds: candidates are repeated with {seeds} seeds on one split"]
    is_replaced = "validation" in config.data.model_fields_set and validation != round(1 / settings.folds, 4)
    if settings.folds > 1 and is_replaced:
        return [f"data.validation {validation} is not used: each of {settings.folds} folds is held out in turn"]
    return []


def _objective(settings: SweepSettings) -> Iterator[tuple[str, str]]:
    if settings.objective == "loss":
        return
    from regtune.evaluation.metrics import METRICS

    if settings.objective not in METRICS:
        near = difflib.get_close_matches(settings.objective, METRICS, n=1)
        meant = f"did you mean {near[0]}?" if near else f"known: {', '.join(METRICS)}"
        yield "objective", f"must be loss or a metric of the task, got {show_value(settings.objective)}, {meant}"


def _sampler(settings: SweepSettings, space: Space | None) -> Iterator[tuple[str, str]]:
    if settings.sampler != "gp":
        return
    if settings.pruner != "none":
        yield (
            "pruner",
            f"must be none with sampler gp, got {settings.pruner}: gp learns nothing from a pruned trial; "
            "sampler tpe or auto does",
        )
    if space is not None and space.is_conditional:
        yield "sampler", "must be auto or tpe in a space with off: gp needs every value in every trial, got gp"


def _grid(
    settings: SweepSettings,
    config: Config,
    space: Space | None,
    *,
    has_space: bool,
    changes: dict[str, Any],
    notes: list[str],
) -> list[tuple[str, str]]:
    """Problems; a grid says itself how many trials it has."""
    if space is None:
        return [] if has_space else [("sampler", "grid needs a space: the default one is continuous, it has no grid")]
    try:
        size = space.grid_size()
    except ConfigError as error:
        return [("sampler", f"must not be grid: {problem}") for problem in error.problems]
    first = 2 if everything_off(config) else 1
    needed = size + first
    if needed > MOST_TRIALS:
        return [("sampler", f"must not be grid: {size:,} points, a sweep has at most {MOST_TRIALS:,} trials")]
    if "trials" in settings.model_fields_set and settings.trials < needed:
        also = "your own config and everything off" if first == 2 else "your own config"
        return [("trials", f"must be at least {needed}, {size} points of the grid and {also}, got {settings.trials}")]
    if "trials" in settings.model_fields_set and settings.trials > needed:
        notes.append(f"the grid has {size} points: the sweep ends after {needed} trials, not {settings.trials}")
    changes["trials"] = needed
    return []
