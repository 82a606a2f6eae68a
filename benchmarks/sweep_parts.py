"""What the benchmarks of `regtune sweep` share: 200 rows of a public set with all others held out, and the workers.

The rows that are not drawn are the large test set, which no sweep sees. Rows whose text differs only in case or space
are one row, so that none is on both sides.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from real_sets import read_rows
from sklearn.model_selection import train_test_split

from regtune.search.judging.sweep_result import SweepResult
from regtune.search.study.prepared import PreparedStudy
from regtune.search.study.record import Record
from regtune.search.study.run import Crew
from regtune.search.sweep import prepare_sweep, sweep
from regtune.search.sweep_file import load_sweep
from regtune.search.workers.pool import Pool
from regtune.search.workers.worker import Place, work

DATA = Path(__file__).parents[2] / "shared" / "data"
FILES = {
    "snips_slots": ("train.jsonl", "test.jsonl"),  # 7 intents, about 9 words a row
    "banking77": ("train.csv", "test.csv"),  # 77 intents, about 12 words a row
}
MOST_TEST_ROWS = 1_500


@dataclass(frozen=True)
class OneThreadEach:
    """A launcher: so many workers, each with one thread, whatever the machine has. target: what a worker runs."""

    workers: int
    target: Callable[[Place], None] = work

    def __call__(
        self, place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]
    ) -> None:
        """As `regtune.search.study.run.Launcher` says."""
        places = [replace(place, slot=slot, threads=1) for slot in range(min(self.workers, jobs))]
        Pool(places, work=self.target, on_tick=lambda: on_tick(Crew(asked=self.workers)), on_death=on_death).run()


def write_draw(name: str, data: Path, folder: Path, *, rows: int, seed: int) -> tuple[Path, Path]:
    """(train.csv with so many rows, with each class's share; test.csv with the others, at most MOST_TEST_ROWS)."""
    unique = {}
    for file in FILES[name]:
        for row in read_rows(data / name / file):
            unique.setdefault(" ".join(row["text"].lower().split()), (row["text"], row["label"]))
    everything = list(unique.values())
    chosen, others = train_test_split(
        everything, train_size=rows, random_state=seed, stratify=[label for _, label in everything]
    )
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "train.csv", folder / "test.csv"
    for path, part in zip(paths, (chosen, others[:MOST_TEST_ROWS]), strict=True):
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *part])
    return paths


def write_sweep(folder: Path, name: str, config: dict[str, Any], **settings: Any) -> Path:
    """A sweep file, NAME.yaml, whose sweep lies in the folder NAME beside it."""
    path = folder / f"{name}.yaml"
    document = {**config, "output": str(folder / name), "sweep": settings}
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    return path


def prepare_file(path: Path, overrides: Sequence[str] = ()) -> PreparedStudy:
    """The sweep of a file, checked, its study not made yet."""
    return prepare_sweep(load_sweep(path, overrides), study_name=None)


def run_sweep(path: Path, launch: OneThreadEach) -> tuple[SweepResult, list[Record]]:
    """What `regtune sweep` does, without leaderboard and report."""
    return sweep(prepare_file(path), launch=launch, watch=lambda board: None)
