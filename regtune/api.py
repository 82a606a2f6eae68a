"""One plain function per command. The command line parses and prints; these do the work, and are the Python API.

Heavy imports sit inside the functions: `regtune runs` and a typo in a config must not wait for torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from regtune.config import load_config
from regtune.config.schema import Config
from regtune.data.export import check_target
from regtune.data.sources import check_source, check_sources
from regtune.errors import ConfigError
from regtune.run import Run, list_runs, open_run
from regtune.training.launch import read_place

if TYPE_CHECKING:
    from regtune.search.ablation.result import AblationResult
    from regtune.search.board import Board
    from regtune.search.judging.sweep_result import SweepResult
    from regtune.search.repeats.carrying_out import Watch
    from regtune.search.repeats.folder import RepeatsFolder
    from regtune.training.listener import Listener

    BoardWatch: TypeAlias = Callable[[Board], None]

__all__ = [
    "ablate",
    "evaluate",
    "join_sweep",
    "list_runs",
    "load_config",
    "load_run",
    "predict",
    "resume",
    "resume_repeats",
    "show_sweep",
    "sweep",
    "train",
    "train_repeats",
]


def load_run(path: str | Path) -> Run:
    """A run folder, for its facts, history and files. Raises ConfigError when there is none."""
    return open_run(path)


def train(
    config: Config, *, config_name: str | None = None, overrides: Sequence[str] = (), listeners: Sequence[Listener] = ()
) -> Run:
    """Train, restore the best weights, score the test split, write the run folder with its report.

    config_name, overrides: the command as typed; they name the run folder when config.output is None, and make the
    commands in the advice complete.
    Raises a RegtuneError; see regtune.errors for which and when.
    """
    check_sources(config.data)  # before torch is loaded: a missing file is reported at once

    from regtune.training.train import train as train_run

    return _conclude(train_run(config, config_name=config_name, overrides=overrides, listeners=listeners))


def resume(path: str | Path, *, listeners: Sequence[Listener] = ()) -> Run:
    """Continue an interrupted run to its end. A completed run is returned unchanged."""
    from regtune.training.train import resume as resume_run

    run = open_run(path)
    was_completed = run.status == "completed" and run.report_path.exists()
    resumed = resume_run(run, listeners=listeners)
    return resumed if was_completed else _conclude(resumed)


def train_repeats(
    config: Config,
    *,
    seeds: int = 1,
    folds: int = 1,
    config_name: str | None = None,
    overrides: Sequence[str] = (),
    watch: Watch = lambda name, number, count: (),
) -> RepeatsFolder:
    """Train a config several times, each a full run of `train`, and write mean and spread of its figures.

    seeds: runs with training.seed counting up from the config's, on one split. folds: parts of the rows, each held out
    once. Both: folds × seeds runs. config_name, overrides: as in `train`. watch: (name, number, count) → the listeners
    of the next run. Raises a RegtuneError; a run that fails is noted in the folder's facts, and the others go on.
    """
    check_sources(config.data)
    _refuse_processes("--seeds and --folds train one run after the other in one process")

    from regtune.search.repeats.start import start

    folder = start(config, seeds=seeds, folds=folds, config_name=config_name, overrides=overrides)
    _carry_out(folder, watch)
    return folder


def resume_repeats(path: str | Path, *, watch: Watch = lambda name, number, count: ()) -> RepeatsFolder:
    """Continue interrupted repeats: runs that were begun or are missing. Finished ones are never trained again."""
    _refuse_processes("--seeds and --folds train one run after the other in one process")

    from regtune.search.repeats.folder import open_repeats

    folder = open_repeats(path)
    _carry_out(folder, watch)
    return folder


def sweep(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    storage: str | None = None,
    study: str | None = None,
    workers: int | None = None,
    ray: str | None = None,
    board: BoardWatch = lambda board: None,
) -> SweepResult:
    """Search a config's settings, confirm the best on further folds, and judge them against the config's own.

    path: a sweep file, or a training config for the default search. storage, workers: instead of the file's. study: its
    name in the storage; None: that of the folder. ray: address of a cluster that runs. board: called about twice a
    second with how the sweep stands. Called again after an interruption, it goes on.
    """
    from regtune.search.sweep_file import load_sweep

    file = load_sweep(path, overrides)
    check_sources(file.config.data)
    _refuse_processes("a sweep starts its own workers")
    changes = {"storage": storage, "workers": workers}
    settings = file.settings.model_copy(update={key: value for key, value in changes.items() if value is not None})
    file = replace(file, settings=settings)
    if ray is not None:
        from regtune.search.workers.ray_cluster import check_reachable

        check_reachable(ray)
    _check_places(file.folder, settings.storage)
    if ray is None:
        _start_workers_early()

    from regtune.reporting.sweep.report import write_sweep_report
    from regtune.search import folder as names
    from regtune.search.sweep import prepare_sweep
    from regtune.search.sweep import sweep as carry_out_sweep
    from regtune.search.workers.launchers import on_ray, on_this_machine
    from regtune.training.devices import describe_environment

    prepared = prepare_sweep(file, study_name=study)
    asked = prepared.settings.workers
    launcher = (
        on_this_machine(prepared.setup, asked=asked)
        if ray is None
        else on_ray(ray, prepared.setup, asked=asked, storage=prepared.url)
    )
    with launcher as launch:
        result, records = carry_out_sweep(prepared, launch=launch, watch=board)
    write_sweep_report(
        prepared.folder / names.REPORT,
        result,
        records,
        base_yaml=prepared.facts.config,
        environment=describe_environment(prepared.setup.device),
    )
    return result


def join_sweep(
    storage: str,
    study: str,
    *,
    workers: int | None = None,
    folder: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    board: BoardWatch = lambda board: None,
) -> None:
    """Work on a sweep that another machine began until nothing is left to do; data and model are checked first.

    overrides: where they lie here, {"data.train": "/data/tickets.csv"}. folder: for checkpoints; None: the sweep's,
    else one in the cache.
    """
    _refuse_processes("a sweep starts its own workers")

    from regtune.search.storage.opening import open_storage
    from regtune.search.study.opening import find_study

    find_study(open_storage(storage, must_exist=True), study)  # before torch is loaded
    _start_workers_early()

    from regtune.search.join import join

    join(
        storage,
        study,
        asked="auto" if workers is None else workers,
        folder=None if folder is None else Path(folder),
        overrides=overrides or {},
        watch=board,
    )


def show_sweep(where: str, study: str | None = None) -> SweepResult | Board:
    """A sweep as it stands: the result of a finished one, the leaderboard of one that runs.

    where: a sweep's folder or the URL of its database. study: which one, where a database has several.
    """
    from regtune.search.show import show

    return show(where, study)


def ablate(
    config: Config,
    *,
    config_name: str | None = None,
    folds: int | None = None,
    seeds: int | None = None,
    workers: int | None = None,
    storage: str | None = None,
    board: BoardWatch = lambda board: None,
) -> AblationResult:
    """What each technique of a config contributes, each off and each alone, over the same folds or seeds.

    The other arguments are those of `train`, `train_repeats` and `sweep`. Called again after an interruption, it goes
    on.
    """
    from regtune.search.ablation.arms import ablation_settings
    from regtune.search.ablation.folder import ablation_folder

    name = config_name or "run"
    check_sources(config.data)
    _refuse_processes("an ablation starts its own workers")
    ablation_settings(config, folds=folds, seeds=seeds)
    _check_places(ablation_folder(config, config_name=name), storage)
    _start_workers_early()

    from regtune.reporting.ablation.report import write_ablation_report
    from regtune.search import folder as names
    from regtune.search.ablation.study import ablate as carry_out_ablation
    from regtune.search.ablation.study import prepare_ablation
    from regtune.search.workers.launchers import on_this_machine

    prepared = prepare_ablation(config, config_name=name, folds=folds, seeds=seeds, storage=storage)
    with on_this_machine(prepared.setup, asked="auto" if workers is None else workers) as launch:
        result = carry_out_ablation(prepared, launch=launch, watch=board)
    write_ablation_report(result, prepared.folder / names.REPORT, name=name, config=prepared.facts.config)
    return result


def evaluate(path: str | Path, *, data: str | None = None) -> dict[str, Any]:
    """Score a run's restored model: on `data`, a labelled file, or on the run's own test (else validation) split.

    Returns {"split", "rows", "loss", "metrics": {name: {"value", "low", "high"}}}, intervals at 95 %; a high of
    None is open above, three times None: the model's output was not finite.
    """
    run = open_run(path)
    if data is not None:
        check_source(data)

    from regtune.evaluation.evaluate import evaluate_run

    return evaluate_run(run, data=data)


def predict(path: str | Path, data: str, output: str) -> int:
    """Write each row of `data` with the run's prediction, confidence and probabilities; the number of rows written."""
    run = open_run(path)
    check_source(data)
    check_target(Path(output))

    from regtune.evaluation.predict import predict_file

    return predict_file(run, data, output)


def _carry_out(folder: RepeatsFolder, watch: Watch) -> None:
    from regtune.search.repeats.carrying_out import carry_out

    facts = folder.facts
    as_typed = partial(train, config_name=facts["config_name"], overrides=facts["overrides"])
    carry_out(folder, train=as_typed, resume=resume, watch=watch)


def _check_places(folder: Path, storage: str | None) -> None:
    """What can be said of folder and database before torch and the data are loaded."""
    from regtune.search.folder import check_folder
    from regtune.search.storage.opening import check_storage

    check_folder(folder)
    if storage is not None:
        check_storage(storage)


def _start_workers_early() -> None:
    from regtune.search.workers.fork_server import start_early

    start_early()  # their imports take as long as ours, on another core


def _refuse_processes(why: str) -> None:
    count = read_place().count
    if count > 1:
        raise ConfigError(f"command line: {why}, got {count} processes", hint="start it without a launcher")


def _conclude(run: Run) -> Run:
    """Advice, report and model card, from the run folder alone; of several processes the first does it."""
    if not read_place().is_first:
        return run
    from regtune.diagnosis import advise, diagnose, facts_of
    from regtune.reporting.model_card import write_model_card
    from regtune.reporting.report import write_report

    run.update(advice=advise(diagnose(facts_of(run))))
    write_model_card(run)
    write_report(run)
    return run
