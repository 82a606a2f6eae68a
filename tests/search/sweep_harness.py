"""Kill workers and whole sweeps, freeze a worker, let several commands work on one study; say what became of the jobs.

Run by test_kills.py as a process of its own: it imports torch once and forks, so that a command costs the imports of
its fork server only. Usage: sweep_harness.py FOLDER SCENARIO; prints one JSON object.
"""

from __future__ import annotations

import dataclasses
import json
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
from regtune.search.settings import SweepSettings
from regtune.search.space.space import Space
from regtune.search.storage.opening import default_url, open_storage
from regtune.search.study.facts import StudyFacts
from regtune.search.study.fingerprint import fingerprint
from regtune.search.study.opening import find_study, open_study
from regtune.search.study.queue import read_records
from regtune.search.study.record import Record
from regtune.search.study.run import Crew, carry_out
from regtune.search.workers.pool import Pool
from regtune.search.workers.worker import Place, work
from regtune.training.setup import prepare
from tests.conftest import make_rows

PATIENCE_SECONDS = 60  # for one thing to happen; far more than it needs
STUDY = "study"
EPOCHS = 8  # evaluations and checkpoints of a trial
SPACE = [
    {"key": "training.learning_rate", "low": 1e-4, "high": 1e-2, "log": True},
    {"key": "regularization.dropout", "low": 0.0, "high": 0.3},
]


# ---- processes -------------------------------------------------------------------------------------------------------


class Command:
    """A process group of its own, forked at once and begun later: before a database is open that must not be shared."""

    made: ClassVar[list[Command]] = []

    def __init__(self, act: Callable[[], object]) -> None:
        self.made.append(self)
        waits, self._begins = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            os.close(self._begins)
            has_begun = os.read(waits, 1) == b"!"  # else this program has failed
            os._exit(exit_code(act) if has_begun else 0)

    def begin(self) -> None:
        os.write(self._begins, b"!")

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

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


def make_study(place: Place, *, trials: int) -> optuna.Study:
    """What `regtune sweep` does first; the study if it is there already."""
    text = f"""
model: tiny
data: {{train: {place.folder.parent / "rows.csv"}, max_length: 16}}
regularization: {{patience: null}}
training: {{epochs: {EPOCHS}, batch_size: 8, device: cpu}}
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


def run_sweep(place: Place, *, trials: int) -> None:
    """What `regtune sweep` does, up to the verdict, with two workers."""

    def launch(place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]) -> None:
        places = [dataclasses.replace(place, slot=slot) for slot in range(2)]
        Pool(places, work=work, on_tick=lambda: on_tick(Crew()), on_death=on_death).run()

    study = make_study(place, trials=trials)
    carry_out(study, place, shown_folder=place.folder, launch=launch, watch=lambda board: None)


def make_place(folder: Path, name: str, **options: Any) -> Place:
    sweep_folder = folder / name
    sweep_folder.mkdir(parents=True)
    (folder / "rows.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in make_rows(60)))
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
            "unfinished": len(states) - states.count("COMPLETE") - states.count("FAIL"),
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


# ---- what is done to them --------------------------------------------------------------------------------------------


def kills(folder: Path) -> dict[str, Any]:
    """A worker is killed in mid-trial, later the whole sweep; then the same command again, and a joiner beside it."""
    place = make_place(folder, "kills")
    first, second = (Command(lambda: run_sweep(place, trials=4)) for _ in range(2))
    joiner = Command(lambda: work(dataclasses.replace(place, slot=7)))
    first.begin()
    observer = Observer(place)

    victim = observer.in_mid_trial()
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    wait_for(observer.done)
    unfinished = observer.in_mid_trial(but_not=victim.pid)
    first.kill()
    done_before = observer.done()

    second.begin()
    joiner.begin()
    codes = [second.wait(), joiner.wait()]
    return {
        **observer.summary(),
        "trials": 4,
        "killed": first.wait(),
        "victim": victim.job.key,
        "unfinished_by_kill": unfinished.job.key,
        "done_before": done_before,
        "codes": codes,
    }


def freeze(folder: Path) -> dict[str, Any]:
    """A worker sleeps past the grace period in mid-trial; another one takes the trial; then the first one wakes up."""
    place = make_place(folder, "freeze", heartbeat_seconds=1, grace_seconds=2)
    maker = Command(lambda: make_study(place, trials=3))
    sleeper, other = (Command(lambda slot=slot: work(dataclasses.replace(place, slot=slot))) for slot in range(2))
    maker.begin()
    maker.wait()
    sleeper.begin()
    observer = Observer(place)
    frozen = observer.in_mid_trial()

    os.kill(sleeper.pid, signal.SIGSTOP)
    other.begin()
    wait_for(lambda: frozen.job.key in observer.done())
    done_before = observer.done()
    os.kill(sleeper.pid, signal.SIGCONT)

    codes = [sleeper.wait(), other.wait()]
    return {
        **observer.summary(),
        "trials": 3,
        "frozen": frozen.job.key,
        "done_before": done_before,
        "codes": codes,
        "sleeper": sleeper.pid,
        "other": other.pid,
    }


SCENARIOS = {"kills": kills, "freeze": freeze}

if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        result = SCENARIOS[sys.argv[2]](Path(sys.argv[1]))
    finally:
        Command.end_all()
    print(json.dumps(result))  # noqa: T201 what this program is for
