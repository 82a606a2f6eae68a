"""The story of a sweep, top to bottom.

prepare    the base config with its data and model, the space against the task: all before a folder is made
search     own config, everything off, then the sampler's choices, on one fold
confirm    the best of them on further folds, the own config always among them
judge      ranking, verdict, what a smaller patience would have done, importances, edges
write      result.json, best.yaml
"""

from __future__ import annotations

from dataclasses import replace

from regtune.config.changes import with_changes
from regtune.errors import ConfigError
from regtune.regularization.smoothing import check as check_smoothing
from regtune.run import write_text
from regtune.search import folder as names
from regtune.search.judging.analysis import analyse
from regtune.search.judging.best_config import best_config
from regtune.search.judging.sweep_result import SweepResult, write_result
from regtune.search.space.space import Space
from regtune.search.storage.opening import show_url
from regtune.search.study.prepared import PreparedStudy
from regtune.search.study.reading import read_records
from regtune.search.study.record import Record
from regtune.search.study.run import Launcher, Watch, carry_out
from regtune.search.sweep_file import SweepFile
from regtune.tasks.base import Task
from regtune.tasks.infer import check_settings
from regtune.training.setup import Setup, prepare

MODELS = ("model", "model.name")
CHANGES_TOKENS = (*MODELS, "data.max_length", "data.max_target_length")


def prepare_sweep(file: SweepFile, *, study_name: str | None) -> PreparedStudy:
    """Everything that can be wrong is found here: data, model, space against the task, objective.

    Raises what `train` raises before its first step.
    """
    setup = prepare(file.config, scores_test=False)
    space = file.space_for(setup.task.name, steps=setup.steps)
    check_objective(file.settings.objective, setup.task)
    check_values(space, setup)
    return PreparedStudy(
        kind="sweep",
        setup=setup,
        settings=file.settings,
        space=space,
        folder=file.folder,
        study_name=study_name,
        asked=without_password(file).to_yaml(space),
        notes=file.notes,
    )


def sweep(prepared: PreparedStudy, *, launch: Launcher, watch: Watch) -> tuple[SweepResult, list[Record]]:
    """Search, confirm, judge; the result and all jobs. Again with the same file, it goes on where it stands.

    Raises what `carry_out` raises.
    """
    study, folder = prepared.open(), prepared.folder
    carry_out(study, prepared.place, shown_folder=folder, launch=launch, watch=watch)
    result = analyse(study, folder=folder, storage=show_url(prepared.url))
    write_result(folder / names.RESULT, result)
    write_text(folder / names.BEST, best_config(prepared.config, result))
    return result, read_records(study)


def without_password(file: SweepFile) -> SweepFile:
    """For sweep.yaml: a database's password stays with who typed it."""
    storage = file.settings.storage
    shown = None if storage is None else show_url(storage)
    return replace(file, settings=file.settings.model_copy(update={"storage": shown}))


def check_objective(objective: str, task: Task) -> None:
    allowed = ("loss", *task.metrics)
    if objective not in allowed:
        raise ConfigError(f"sweep.objective: must be one of {', '.join(allowed)} for task {task.name}, got {objective}")


def check_values(space: Space, setup: Setup) -> None:
    """Raise ConfigError for a value of the space that the task cannot obey, such as smoothing in a regression, and
    what loading one of the models to choose from raises."""
    task, config = setup.task, setup.config
    for dimension in space.dimensions:
        if task.counts_tokens and dimension.key in CHANGES_TOKENS:
            raise ConfigError(
                f"sweep.space.{dimension.key}: changes which {task.loss_unit.split()[-1]}s are scored, and losses over "
                f"different ones cannot be compared for task {task.name}",
                hint="set it in the base config",
            )
        for value in dimension.extremes():
            try:
                changed = with_changes(config, {dimension.key: value})
                check_settings(changed, task)
                if changed.regularization.smoothing:
                    check_smoothing(changed.regularization.smoothing, setup.classes)
                if dimension.key in MODELS:
                    prepare(changed, scores_test=False)
            except ConfigError as error:
                raise ConfigError(f"sweep.space: {error}", hint=error.hint) from None
