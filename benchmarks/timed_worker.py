"""A worker of a sweep that notes when things happened, in wall and CPU time; and the same for a trial on its own.

A moment is written at:  claimed     a trial was taken from the queue
                         sampled     its folder is about to be made: the sampler has chosen
                         prepared    data, model and techniques are ready
                         step        an optimizer step begins
                         evaluated   an evaluation is measured
                         reported    the study knows of it
                         over        the trial's value is about to be stored
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from regtune.search.workers import worker
from regtune.search.workers.worker import Place, Report, Worker
from regtune.training import trial
from regtune.training.trainer import RegtuneTrainer


@dataclass(frozen=True)
class Moment:
    """wall: of CLOCK_MONOTONIC, the same in every process of a machine; cpu: of this process since it began."""

    name: str
    wall: float
    cpu: float


Notes = list[Moment]


def note(notes: Notes, name: str) -> None:
    notes.append(Moment(name, time.monotonic(), time.process_time()))


@contextmanager
def noting(notes: Notes, *places: tuple[Any, str, str | None, str | None]) -> Iterator[None]:
    """Have functions note when they are called and when they return. places: (owner, function, before, after)."""
    with ExitStack() as stack:
        for owner, function, before, after in places:
            stack.enter_context(
                mock.patch.object(owner, function, _noted(getattr(owner, function), notes, before, after))
            )
        yield


def _noted(function: Callable[..., Any], notes: Notes, before: str | None, after: str | None) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if before is not None:
            note(notes, before)
        answer = function(*arguments, **options)
        if after is not None:
            note(notes, after)
        return answer

    return call


IN_TRIAL = ((trial, "prepare", None, "prepared"), (RegtuneTrainer, "training_step", "step", None))
IN_WORKER = (
    (Worker, "train", "claimed", "over"),
    (worker, "train_trial", "sampled", None),
    (Report, "__call__", "evaluated", "reported"),
)


def timed_work(place: Place) -> None:
    """`regtune.search.workers.worker.work`; writes moments-SLOT.json into the sweep's folder when all is done."""
    notes: Notes = []
    with noting(notes, *IN_TRIAL, *IN_WORKER):
        worker.work(place)
    write_notes(Path(place.folder) / f"moments-{place.slot}.json", notes)


def write_notes(path: Path, notes: Notes) -> None:
    path.write_text(json.dumps([asdict(moment) for moment in notes]), encoding="utf-8")


def read_notes(path: Path) -> Notes:
    return [Moment(**moment) for moment in json.loads(path.read_text(encoding="utf-8"))]
