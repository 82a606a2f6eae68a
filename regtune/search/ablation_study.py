"""The story of an ablation, top to bottom: check, make the study with all its jobs, let workers do them, compare.

The study, its queue and its workers are a sweep's; what differs is that every job is known from the start.
"""

from __future__ import annotations

import socket
from pathlib import Path

from regtune.config import dump_config
from regtune.config.changes import anchored
from regtune.config.schema import Config
from regtune.run import RUNS, safe_name, write_text
from regtune.search import folder as sweep_folder
from regtune.search.ablation import ablation_result
from regtune.search.ablation_result import AblationResult
from regtune.search.arms import ablation_arms, ablation_settings
from regtune.search.facts import StudyFacts
from regtune.search.fingerprint import fingerprint
from regtune.search.queue import read_records
from regtune.search.run import Launcher, Watch, carry_out
from regtune.search.settings import SweepSettings, repetitions
from regtune.search.storage import default_url, open_storage
from regtune.search.study import open_study
from regtune.search.worker import Place
from regtune.training.setup import Setup, prepare

SUFFIX = "-ablation"


def ablation_folder(config: Config, *, config_name: str) -> Path:
    """Beside the run that the same config trains: its output, or runs/<config name>, and a suffix."""
    place = Path(config.output) if config.output else RUNS / safe_name(Path(config_name).stem)
    return place.with_name(place.name + SUFFIX)


def ablate(
    config: Config,
    *,
    config_name: str,
    folds: int | None,
    seeds: int | None,
    storage: str | None,
    launch: Launcher,
    watch: Watch,
) -> AblationResult:
    """Train every arm on every repetition, compare, write result.json. The same call again goes on where it stands.

    folds, seeds: see `ablation_settings`. storage: database URL; None: a file in the folder.
    Raises what `train` raises before its first step, ConfigError when no technique is on or the study was begun with
    something else, and what `carry_out` raises.
    """
    settings = ablation_settings(config, folds=folds, seeds=seeds)
    setup = prepare(config, scores_test=False)
    resolved = anchored(setup.config)
    ablation_arms(resolved)  # raises before a folder is made
    folder = ablation_folder(config, config_name=config_name)
    url = storage or default_url(folder)
    sweep_folder.make_folder(folder)
    write_text(folder / sweep_folder.ASKED, dump_config(resolved))
    facts = study_facts(setup, settings, folder=folder)
    study = open_study(open_storage(url), folder.name, facts, url=url)
    place = Place(storage=url, study=folder.name, folder=folder.absolute())
    carry_out(study, place, shown_folder=folder, launch=launch, watch=watch)
    seed = resolved.training.seed
    result = ablation_result(read_records(study), resolved, repeated=repetitions(settings, seed=seed), seed=seed)
    write_text(folder / sweep_folder.RESULT, result.to_json())
    return result


def study_facts(setup: Setup, settings: SweepSettings, *, folder: Path) -> StudyFacts:
    """What the study keeps, so that any worker knows what to train."""
    return StudyFacts(
        kind="ablation",
        config=dump_config(anchored(setup.config)),
        settings=settings.model_dump(exclude={"space"}),
        space=[],
        fingerprint=fingerprint(setup),
        task=setup.task.name,
        headline=setup.task.headline,
        unit=setup.task.loss_unit,
        notes=setup.notes,
        host=socket.gethostname(),
        folder=str(folder.absolute()),
    )
