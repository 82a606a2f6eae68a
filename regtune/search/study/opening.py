"""A study by its name: made, found, or refused because it is about something else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from regtune.errors import ConfigError
from regtune.evaluation.metrics import higher_is_better
from regtune.search.study.dead_workers import fail_orphans
from regtune.search.study.facts import StudyFacts, read_facts, refuse_changes, write_facts
from regtune.search.study.reading import read_records

if TYPE_CHECKING:
    import optuna


def open_study(storage: optuna.storages.BaseStorage, name: str, facts: StudyFacts) -> optuna.Study:
    """The study of this name, made if there is none. Raises ConfigError when it is about something else."""
    import optuna

    grows = higher_is_better(facts.settings["objective"])
    direction: Literal["minimize", "maximize"] = "maximize" if grows else "minimize"
    try:
        study = optuna.create_study(storage=storage, study_name=name, direction=direction)
    except optuna.exceptions.DuplicatedStudyError:
        study = find_study(storage, name)
        stored = read_facts(study)
        refuse_changes(stored, facts, study=name)
        fail_orphans(study)
        refuse_fewer_trials(study, stored, facts)
        facts = dataclasses.replace(stored, settings=facts.settings)
    write_facts(study, facts)
    return study


def find_study(storage: optuna.storages.BaseStorage, name: str) -> optuna.Study:
    """Raises ConfigError naming the studies that are there when this one is not."""
    import optuna

    try:
        return optuna.load_study(storage=storage, study_name=name)
    except KeyError:
        names = sorted(optuna.get_all_study_names(storage))
        known = f"; there are {', '.join(names[:10])}" if names else ""
        raise ConfigError(f"study {name}: there is no study of this name in the storage{known}") from None


def refuse_fewer_trials(study: optuna.Study, stored: StudyFacts, now: StudyFacts) -> None:
    """The number of trials may be raised until the best were chosen from them; never lowered."""
    before, after = stored.settings["trials"], now.settings["trials"]
    if after < before:
        raise ConfigError(
            f"sweep.trials: the study {study.study_name} has {before} trials, cannot go on with {after}",
            hint=f"use {before} or more",
        )
    records = read_records(study)
    if after > before and any(record.status == "running" for record in records):
        raise ConfigError(
            f"sweep.trials: {study.study_name} is running with {before} trials",
            hint="stop it with Ctrl-C, then start it with more",
        )
    has_confirmed = any(record.job.stage == "confirm" for record in records)
    if after > before and has_confirmed:
        raise ConfigError(
            f"sweep.trials: the search of {study.study_name} is over, its best of {before} trials are being confirmed",
            hint="start another sweep with another output=…",
        )
