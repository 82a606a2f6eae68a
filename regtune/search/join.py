"""Work on a study that another machine began: the same worker, once data and model here are known to be the same."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from regtune.config.changes import with_changes
from regtune.config.document import Plain
from regtune.errors import EnvironmentFault
from regtune.search.storage.opening import open_storage, refuse_other_host
from regtune.search.study.facts import read_facts, refuse_other_rows
from regtune.search.study.fingerprint import fingerprint
from regtune.search.study.opening import find_study
from regtune.search.study.run import Watch, carry_out
from regtune.search.workers.launchers import on_this_machine
from regtune.search.workers.places import folder_here
from regtune.search.workers.worker import Place
from regtune.training.setup import prepare


def join(
    url: str,
    study_name: str,
    *,
    asked: int | Literal["auto"],
    folder: Path | None,
    overrides: Mapping[str, Plain],
    watch: Watch,
) -> None:
    """Train until nothing of the study is left to do. overrides: where data and model lie on this machine.

    Raises ConfigError or EnvironmentFault when the study cannot be reached or this machine has other data, and what
    `carry_out` raises.
    """
    study = find_study(open_storage(url, must_exist=True), study_name)
    facts = read_facts(study)
    refuse_other_host(url, created_on=facts.host, here=socket.gethostname())
    setup = prepare(with_changes(facts.base, overrides), scores_test=False)
    refuse_other_rows(facts, fingerprint(setup))
    here = folder_here(Path(facts.folder), study_name) if folder is None else folder
    make_trials_folder(here)
    place = Place(storage=url, study=study_name, folder=here.absolute(), overrides=tuple(overrides.items()))
    with on_this_machine(setup, asked=asked) as launch:
        carry_out(study, place, shown_folder=here, launch=launch, watch=watch)


def make_trials_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"{path}: cannot be made ({error.strerror})", hint="choose another --folder") from None
