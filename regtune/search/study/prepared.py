"""A sweep or an ablation, checked and ready: what its study, its folder and its workers need to know."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from regtune.config import dump_config
from regtune.config.changes import anchored
from regtune.config.schema import Config
from regtune.run import write_text
from regtune.search.folder import make_folder, remove_folder
from regtune.search.settings import SweepSettings
from regtune.search.space.space import Space
from regtune.search.storage.opening import default_url, open_storage
from regtune.search.study.facts import Kind, StudyFacts
from regtune.search.study.fingerprint import fingerprint
from regtune.search.study.opening import open_study
from regtune.search.workers.worker import Place
from regtune.training.setup import Setup

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True, kw_only=True)
class PreparedStudy:
    """setup: of the base config. asked: the text of sweep.yaml. study_name: in the storage; None: the folder's."""

    kind: Kind
    setup: Setup
    settings: SweepSettings
    space: Space
    folder: Path
    study_name: str | None
    asked: str
    notes: tuple[str, ...] = ()  # beside those on the data

    @property
    def name(self) -> str:
        return self.study_name or self.folder.name

    @property
    def url(self) -> str:
        return self.settings.storage or default_url(self.folder)

    @property
    def config(self) -> Config:
        """The base config, resolved, with absolute paths."""
        return anchored(self.setup.config)

    @cached_property
    def facts(self) -> StudyFacts:
        return StudyFacts(
            kind=self.kind,
            config=dump_config(self.config),
            settings=self.settings.model_dump(exclude={"space", "storage", "workers"}),
            space=self.space.to_plain(),
            fingerprint=fingerprint(self.setup),
            task=self.setup.task.name,
            headline=self.setup.task.headline,
            unit=self.setup.task.loss_unit,
            notes=(*self.notes, *self.setup.notes),
            host=socket.gethostname(),
            folder=str(self.folder.absolute()),
        )

    @property
    def place(self) -> Place:
        """Of the first worker."""
        return Place(storage=self.url, study=self.name, folder=self.folder.absolute())

    def open(self) -> optuna.Study:
        """Make or find folder and study. When that is refused, nothing is left behind and nothing is changed."""
        is_new = make_folder(self.folder)
        try:
            study = open_study(open_storage(self.url), self.name, self.facts)
        except BaseException:
            if is_new:
                remove_folder(self.folder)
            raise
        write_text(self.folder / f"{self.kind}.yaml", self.asked)
        return study
