"""The story of a sweep, top to bottom.

check      the base config with its data and model, the space against the task: all before a folder is made
search     own config, everything off, then the sampler's choices, on one fold
confirm    the best of them on further folds, the own config always among them
judge      ranking, verdict, what a smaller patience would have done, importances, edges
write      result.json, best.yaml
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from regtune.config import dump_config
from regtune.config.changes import anchored, with_changes
from regtune.config.schema import Config
from regtune.errors import ConfigError
from regtune.run import RUNS, safe_name, write_text
from regtune.search import folder as sweep_folder
from regtune.search.analysis import analyse
from regtune.search.best_config import best_config
from regtune.search.facts import StudyFacts
from regtune.search.fingerprint import fingerprint
from regtune.search.run import Launcher, Watch, carry_out
from regtune.search.space import Space
from regtune.search.storage import default_url, open_storage
from regtune.search.study import open_study
from regtune.search.sweep_file import SweepFile
from regtune.search.sweep_result import SweepResult, write_result
from regtune.search.worker import Place
from regtune.tasks.base import Task
from regtune.tasks.infer import check_settings
from regtune.training.setup import Setup, prepare


@dataclass(frozen=True)
class Prepared:
    """A sweep, checked, before anything of it is written."""

    file: SweepFile
    setup: Setup
    space: Space
    folder: Path
    study: str
    url: str

    @property
    def config(self) -> Config:
        return anchored(self.setup.config)

    @property
    def facts(self) -> StudyFacts:
        return StudyFacts(
            kind="sweep",
            config=dump_config(self.config),
            settings=self.file.settings.model_dump(exclude={"space"}),
            space=self.space.to_plain(),
            fingerprint=fingerprint(self.setup),
            task=self.setup.task.name,
            headline=self.setup.task.headline,
            unit=self.setup.task.loss_unit,
            notes=(*self.file.notes, *self.setup.notes),
            host=socket.gethostname(),
            folder=str(self.folder.absolute()),
        )


def prepare_sweep(file: SweepFile, *, study_name: str | None) -> Prepared:
    """Everything that can be wrong is found here: data, model, space against the task, objective.

    study_name: in the storage; None: the folder's.
    """
    setup = prepare(file.config, scores_test=False)
    space = file.space_for(setup.task.name, steps=setup.steps)
    check_objective(file.settings.objective, setup.task)
    check_values(space, setup.config, setup.task)
    folder = Path(file.output) if file.output else RUNS / safe_name(Path(file.config_name).stem)
    return Prepared(
        file=file,
        setup=setup,
        space=space,
        folder=folder,
        study=study_name or folder.name,
        url=file.settings.storage or default_url(folder),
    )


def sweep(file: SweepFile, *, study_name: str | None, launch: Launcher, watch: Watch) -> SweepResult:
    """Search, confirm, judge. Run again with the same file, it goes on where it stands.

    Raises what `train` raises before its first step, and what `carry_out` raises.
    """
    prepared = prepare_sweep(file, study_name=study_name)
    folder = prepared.folder
    sweep_folder.make_folder(folder)
    write_text(folder / sweep_folder.ASKED, file.to_yaml(prepared.space))
    study = open_study(open_storage(prepared.url), prepared.study, prepared.facts, url=prepared.url)
    place = Place(storage=prepared.url, study=prepared.study, folder=folder.absolute())
    carry_out(study, place, shown_folder=folder, launch=launch, watch=watch)
    result = analyse(study, folder=folder)
    write_result(folder / sweep_folder.RESULT, result)
    write_text(folder / sweep_folder.BEST, best_config(prepared.config, result))
    return result


def check_objective(objective: str, task: Task) -> None:
    allowed = ("loss", *task.metrics)
    if objective not in allowed:
        raise ConfigError(f"sweep.objective: must be one of {', '.join(allowed)} for task {task.name}, got {objective}")


def check_values(space: Space, config: Config, task: Task) -> None:
    """Raise ConfigError for a value of the space that the task cannot obey, such as smoothing in a regression."""
    for dimension in space.dimensions:
        for value in dimension.extremes():
            try:
                check_settings(with_changes(config, {dimension.key: value}), task)
            except ConfigError as error:
                raise ConfigError(f"sweep.space.{dimension.key}: {error}", hint=error.hint) from None
