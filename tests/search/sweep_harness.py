"""Sweeps with tiny trials in forked processes, and somebody who watches what becomes of their jobs.

Imported by kill_scenarios.py, a program that imports torch once and forks, so that a process costs milliseconds.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import optuna

from regtune.config import dump_config, parse_config
from regtune.errors import RegtuneError
from regtune.history import History
from regtune.search.settings import SweepSettings
from regtune.search.space.space import Space
from regtune.search.storage.opening import default_url, open_storage
from regtune.search.study.facts import StudyFacts
from regtune.search.study.fingerprint import fingerprint
from regtune.search.study.opening import find_study, open_study
from regtune.search.study.reading import read_records
from regtune.search.study.record import Record
from regtune.search.study.run import Crew, Launcher, carry_out
from regtune.search.workers import worker as worker_module
from regtune.search.workers.pool import Pool
from regtune.search.workers.worker import Place, work
from regtune.training.setup import prepare
from tests.conftest import make_rows

PATIENCE_SECONDS = 60  # for one thing to happen; far more than it needs
STUDY = "study"
ROWS = 40
SPACE = [
    {"key": "training.learning_rate", "low": 1e-4, "high": 1e-2, "log": True},
    {"key": "regularization.dropout", "low": 0.0, "high": 0.3},
]


# ---- processes -------------------------------------------------------------------------------------------------------


class Command:
    """A process forked at once and begun later: before a database is open that must not be shared.

    leads: it has a process group of its own, as a command typed in a terminal has.
    """

    made: ClassVar[list[Command]] = []

    def __init__(self, act: Callable[[], object], *, leads: bool = True) -> None:
        waits, self._begins = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(waits)
            self.made.append(self)
        else:
            self.made.clear()  # the parent's
            if leads:
                os.setsid()
            os.close(self._begins)
            has_begun = os.read(waits, 1) == b"!"  # else this program has failed
            os._exit(exit_code(act) if has_begun else 0)

    def begin(self) -> None:
        os.write(self._begins, b"!")

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait_until_stopped(self) -> None:
        """By SIGSTOP."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status

    def run(self) -> int:
        self.begin()
        return self.wait()

    @classmethod
    def end_all(cls) -> None:
        """When this program fails; otherwise all have ended."""
        for command in cls.made:
            command.kill()

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def exit_code(act: Callable[[], object]) -> int:
    try:
        act()
    except RegtuneError as error:
        print(type(error).__name__, error, error.hint, file=sys.stderr)  # noqa: T201 read when a test fails
        return error.exit_code
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


# ---- sweeps ----------------------------------------------------------------------------------------------------------


def make_study(place: Place, *, trials: int, epochs: int) -> optuna.Study:
    """What `regtune sweep` does first; the study if it is there already."""
    text = f"""
model: tiny
data: {{train: {place.folder.parent / "rows.csv"}, max_length: 16}}
regularization: {{patience: null}}
training: {{epochs: {epochs}, batch_size: 8, device: cpu}}
"""
    setup = prepare(parse_config(text, name="base.yaml"), scores_test=False)
    settings = SweepSettings(trials=trials, confirm=0, sampler="random")
    facts = StudyFacts(
        kind="sweep",
        config=dump_config(setup.config),
        settings=settings.model_dump(exclude={"space"}),
        space=Space.from_plain(SPACE).to_plain(),
        fingerprint=fingerprint(setup),
        task=setup.task.name,
        headline=setup.task.headline,
        unit=setup.task.loss_unit,
        notes=(),
        host=socket.gethostname(),
        folder=str(place.folder),
    )
    return open_study(open_storage(place.storage), STUDY, facts)


def run_sweep(place: Place, launch: Launcher, *, trials: int, epochs: int) -> None:
    """What `regtune sweep` does, up to the verdict."""
    study = make_study(place, trials=trials, epochs=epochs)
    carry_out(study, place, shown_folder=place.folder, launch=launch, watch=lambda board: None)


def with_pool(place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]) -> None:
    """A launcher of two workers."""
    places = [dataclasses.replace(place, slot=slot) for slot in range(2)]
    Pool(places, work=work, on_tick=lambda: on_tick(Crew()), on_death=on_death).run()


def with_fork(worker: Command) -> Launcher:
    """A launcher of one worker, forked already: a pool costs the imports of its fork server."""

    def launch(place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]) -> None:
        assert worker.run() == 0

    return launch


def do_when_told(act: Callable[[], None], *, trial: int, evaluation: int) -> None:
    """Do something in this process when it reports an evaluation of its first, second, … trial: in mid-trial."""
    report = worker_module.Report.__call__
    trials = 0

    def told(self: worker_module.Report, history: History, started_from_step: int) -> None:
        nonlocal trials
        trials += self.reported == 0 and len(history) == 0
        report(self, history, started_from_step)
        if (trials, len(history)) == (trial, evaluation):
            act()

    worker_module.Report.__call__ = told  # type: ignore[method-assign]


def make_place(folder: Path, name: str, **options: Any) -> Place:
    sweep_folder = folder / name
    sweep_folder.mkdir(parents=True)
    (folder / "rows.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in make_rows(ROWS)))
    return Place(storage=default_url(sweep_folder), study=STUDY, folder=sweep_folder, checkpoint_seconds=0.0, **options)


class Observer:
    """Reads a study; opened after the last fork."""

    def __init__(self, place: Place) -> None:
        wait_for(lambda: (place.folder / "sweep.db").exists())
        self.place = place
        self.study = wait_for(self._find)

    def _find(self) -> optuna.Study | None:
        try:
            return find_study(open_storage(self.place.storage), STUDY)
        except RegtuneError:  # its tables, or the study, are being made
            return None

    def records(self) -> list[Record]:
        return read_records(self.study)

    def done(self) -> dict[str, int]:
        """Key of each finished job → number of its trial."""
        return {record.job.key: record.number for record in self.records() if record.status == "done"}

    def running(self) -> list[str]:
        """Keys of the jobs that a trial works on, or seems to."""
        running = self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        return [trial.user_attrs["job"]["key"] for trial in running]

    def in_mid_trial(self, *, but_not: int | None = None) -> Record:
        """Waits for a running trial that has saved a checkpoint. but_not: id of a process that was killed before."""

        def found() -> Record | None:
            saved = {path.parents[1].name for path in self.place.folder.glob("trials/*/checkpoints/step-*")}
            running = [record for record in self.records() if record.status == "running"] if saved else []
            return next((record for record in running if record.job.key in saved and record.pid != but_not), None)

        return wait_for(found)

    def summary(self) -> dict[str, Any]:
        records = self.records()
        states = [trial.state.name for trial in self.study.get_trials(deepcopy=False)]
        return {
            "records": {record.job.key: facts_of(record) for record in records},
            "complete": states.count("COMPLETE"),
            "unfinished": states.count("RUNNING") + states.count("WAITING"),
            "checkpoints": len(list(self.place.folder.glob("trials/*/checkpoints/*"))),
        }


def facts_of(record: Record) -> dict[str, Any]:
    return {
        "number": record.number,
        "status": record.status,
        "attempts": record.attempts,
        "started_from_step": record.started_from_step,
        "evaluations": len(record.history),
        "pid": record.pid,
        "error": record.error,
    }


def wait_for(happened: Callable[[], Any]) -> Any:
    """What it returns, as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := happened()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)
    return found
