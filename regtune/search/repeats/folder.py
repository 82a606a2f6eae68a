"""The folder of repeats: what lies where, read and written so that a kill at any moment leaves it readable.

config.yaml       the config that is repeated, as a run folder keeps it
repeats.json      which runs there are to be, how each ended, and the figures over all of them
out_of_fold.csv   with folds: every row's answer by the model that did not train on it
fold-1/ …         one run folder each (see `regtune.run`): fold-K, seed-N or fold-K-seed-N
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from regtune.errors import ConfigError
from regtune.run import REPEATS, Run
from regtune.search.study.job import Repetition


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """One run of the repeats, as far as repeats.json knows."""

    name: str  # of its folder
    repetition: Repetition
    status: Literal["waiting", "completed", "failed"] = "waiting"  # waiting: possibly begun
    error: str | None = None  # why it failed, one line
    exit_code: int | None = None  # what the failure would have ended `regtune train` with

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Repeat:
        return cls(**{**value, "repetition": Repetition(**value["repetition"])})


class RepeatsFolder:
    """path: the folder; it holds a config.yaml and a repeats.json."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = Run(path)  # a run folder in all but its contents: lock, JSON files, config.yaml
        self.config_path = self.place.config_path
        self.out_of_fold_path = path / "out_of_fold.csv"

    @property
    def facts(self) -> dict[str, Any]:
        """repeats.json."""
        return self.place.read_json(REPEATS)

    @property
    def repeats(self) -> list[Repeat]:
        return [Repeat.from_json(value) for value in self.facts["repeats"]]

    def run_of(self, repeat: Repeat) -> Run:
        """Its run folder; it need not exist yet."""
        return Run(self.path / repeat.name)

    def has_begun(self, repeat: Repeat) -> bool:
        """Whether its run came as far as its first step: there is something to keep or to continue."""
        return (self.path / repeat.name / "run.json").is_file()

    def update(self, **changes: Any) -> None:
        """Change keys of repeats.json, keeping the others."""
        self.place.write_json(REPEATS, {**self.facts, **changes})

    def record(self, name: str, **changes: Any) -> None:
        """Change what is known of one repeat."""
        repeats = [replace(one, **changes) if one.name == name else one for one in self.repeats]
        self.update(repeats=[asdict(one) for one in repeats])


def is_repeats(path: str | Path) -> bool:
    return (Path(path) / REPEATS).is_file()


def open_repeats(path: str | Path) -> RepeatsFolder:
    """An existing folder of repeats. Raises ConfigError when it is none."""
    if not is_repeats(path):
        raise ConfigError(f"{path}: not a folder of repeats (no {REPEATS})", hint="`regtune runs` lists the runs")
    return RepeatsFolder(Path(path))
