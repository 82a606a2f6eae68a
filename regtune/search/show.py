"""A sweep as it stands, from its folder or its database: its result, or its leaderboard while it is not finished."""

from __future__ import annotations

from pathlib import Path

from regtune.config.reader import read_document
from regtune.errors import ConfigError
from regtune.search import folder as names
from regtune.search.board import Board
from regtune.search.judging.analysis import analyse
from regtune.search.judging.sweep_result import SweepResult, read_result
from regtune.search.storage.opening import default_url, open_storage, show_url
from regtune.search.study.facts import read_facts
from regtune.search.study.opening import find_study
from regtune.search.study.plan import is_finished
from regtune.search.study.plans import plan_of
from regtune.search.study.reading import read_records
from regtune.search.study.run import BoardMaker


def show(where: str, study_name: str | None) -> SweepResult | Board:
    """where: a sweep's folder, or the URL of a database. study_name: where a database has several.

    Raises ConfigError or EnvironmentFault when there is no such sweep.
    """
    if "://" in where:
        return _show_study(where, study_name, folder=None)
    folder = Path(where)
    if not (folder / "sweep.yaml").is_file():
        raise ConfigError(f"{where}: no sweep's folder (no sweep.yaml)", hint="`regtune sweep show` finds the newest")
    url = _storage_of(folder)
    if url is None:  # a server's: its password is not kept
        return read_result(folder / names.RESULT)
    return _show_study(url, study_name or folder.name, folder=folder)


def _storage_of(folder: Path) -> str | None:
    if (folder / "sweep.db").is_file():
        return default_url(folder)
    document = read_document((folder / "sweep.yaml").read_text("utf-8"), name=str(folder / "sweep.yaml"))
    sweep = document.values.get("sweep")
    storage = sweep.get("storage") if isinstance(sweep, dict) else None
    return storage if isinstance(storage, str) and "***" not in storage else None


def _show_study(url: str, study_name: str | None, *, folder: Path | None) -> SweepResult | Board:
    import optuna

    storage = open_storage(url, must_exist=True)
    if study_name is None:
        study_names = optuna.get_all_study_names(storage)
        if len(study_names) != 1:
            known = ", ".join(sorted(study_names)[:10]) or "none"
            raise ConfigError(f"{show_url(url)}: which study? There are {known}", hint="choose one with --study NAME")
        study_name = study_names[0]
    study = find_study(storage, study_name)
    facts = read_facts(study)
    if facts.kind != "sweep":
        raise ConfigError(
            f"study {study_name}: is an {facts.kind}", hint="`regtune ablate` with the same config shows it again"
        )
    shown = Path(facts.folder) if folder is None else folder
    plan = plan_of(facts)
    if is_finished(plan, read_records(study)):
        return analyse(study, folder=shown, storage=show_url(url))
    return BoardMaker(study, facts, plan, folder=shown, storage=show_url(url)).now()
