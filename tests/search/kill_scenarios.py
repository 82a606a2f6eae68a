"""Kill workers and whole sweeps, freeze a worker, let two sweeps work on one study; say what became of the jobs.

Run by test_kills.py as a process of its own. Usage: kill_scenarios.py FOLDER SCENARIO…, which run side by side; prints
one JSON object: {scenario: facts}.

In the quick ones a worker does it to itself, at one evaluation in mid-trial; in the slow ones it is done from outside,
at whatever moment, to the workers of a pool. All processes are forked before the database is opened.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

from regtune.search.study.reading import losses, trials_of
from regtune.search.workers import worker as worker_module
from regtune.search.workers.worker import Place, work
from tests.search.sweep_harness import (
    Command,
    Observer,
    do_when_told,
    make_place,
    make_study,
    run_sweep,
    wait_for,
    with_fork,
    with_pool,
)

EPOCHS = 3  # of a quick trial, each with an evaluation and a checkpoint
SLOW_EPOCHS = 8  # long enough to be caught in the middle
MOMENTS = ("claim", "job_config", "store_answers", "advance")  # of a worker: functions in whose place a signal comes


def maker_of(place: Place, *, trials: int) -> Command:
    return Command(lambda: make_study(place, trials=trials, epochs=EPOCHS))


def worker_at(place: Place, *, slot: int = 0, leads: bool = True) -> Command:
    return Command(lambda: work(dataclasses.replace(place, slot=slot)), leads=leads)


def worker_that(act: Callable[[], None], place: Place, *, trial: int = 1, leads: bool = True) -> Command:
    """A worker that does something at the second evaluation of its first, second, … trial."""

    def do() -> None:
        do_when_told(act, trial=trial, evaluation=2)
        work(place)

    return Command(do, leads=leads)


def signal_self(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


# ---- quick -----------------------------------------------------------------------------------------------------------


def kill_worker(folder: Path) -> dict[str, Any]:
    """A worker is killed in mid-trial; another one does the rest."""
    place = make_place(folder, "kill_worker")
    maker = maker_of(place, trials=2)
    victim = worker_that(lambda: signal_self(signal.SIGKILL), place)
    other = worker_at(place)

    codes = [maker.run(), victim.run(), other.run()]
    return {**Observer(place).summary(), "trials": 2, "codes": codes}


def kill_sweep(folder: Path) -> dict[str, Any]:
    """A sweep and its worker are killed together in their second trial; the same command again does the rest."""
    place = make_place(folder, "kill_sweep")

    def sweep(worker: Command) -> None:
        run_sweep(place, with_fork(worker), trials=2, epochs=EPOCHS)

    first = Command(lambda: sweep(worker_that(lambda: os.killpg(0, signal.SIGKILL), place, trial=2, leads=False)))
    second = Command(lambda: sweep(worker_at(place, leads=False)))
    codes = [first.run()]
    observer = Observer(place)
    done_before = observer.done()

    codes.append(second.run())
    return {**observer.summary(), "trials": 2, "codes": codes, "done_before": done_before}


def freeze(folder: Path) -> dict[str, Any]:
    """A worker sleeps past the grace period in mid-trial; another one takes the trial; then the first one wakes up."""
    place = make_place(folder, "freeze", heartbeat_seconds=1, grace_seconds=2)
    maker = maker_of(place, trials=2)
    sleeper = worker_that(lambda: signal_self(signal.SIGSTOP), place)
    other = worker_at(place, slot=1)
    codes = [maker.run()]
    sleeper.begin()
    sleeper.wait_until_stopped()
    observer = Observer(place)
    frozen = observer.running()

    codes.append(other.run())
    done_before = observer.done()
    os.kill(sleeper.pid, signal.SIGCONT)

    codes.append(sleeper.wait())
    return {
        **observer.summary(),
        "trials": 2,
        "codes": codes,
        "frozen": frozen,
        "done_before": done_before,
        "other": other.pid,
    }


def two_sweeps(folder: Path) -> dict[str, Any]:
    """Two sweeps begin one study in the same moment."""
    place = make_place(folder, "two_sweeps")

    def sweep(slot: int) -> None:
        run_sweep(place, with_fork(worker_at(place, slot=slot, leads=False)), trials=3, epochs=EPOCHS)

    sweeps = [Command(lambda slot=slot: sweep(slot)) for slot in range(2)]
    for command in sweeps:
        command.begin()

    codes = [command.wait() for command in sweeps]
    return {**Observer(place).summary(), "trials": 3, "codes": codes}


def stop(folder: Path) -> dict[str, Any]:
    """Workers are told to stop, each at another bad moment; the last one does the rest."""
    place = make_place(folder, "stop")

    def stop_before(name: str) -> None:
        original = getattr(worker_module, name)

        def told_to_stop(*arguments: Any) -> Any:
            signal_self(signal.SIGTERM)
            return original(*arguments)

        setattr(worker_module, name, told_to_stop)
        work(place)

    maker = maker_of(place, trials=2)
    stopped = {moment: Command(lambda moment=moment: stop_before(moment)) for moment in MOMENTS}
    stopped["training"] = worker_that(lambda: signal_self(signal.SIGTERM), place)
    other = worker_at(place)
    maker.run()
    observer = Observer(place)

    after = {moment: [command.run(), observer.running()] for moment, command in stopped.items()}
    codes = [other.run()]
    lost = [losses(trials_of(observer.study, record.job.key)) for record in observer.records()]
    return {**observer.summary(), "trials": 2, "codes": codes, "after": after, "losses": sum(lost)}


# ---- slow ------------------------------------------------------------------------------------------------------------


def kill_pool(folder: Path) -> dict[str, Any]:
    """A worker is killed in mid-trial, later the whole sweep; then the same command again, and a joiner beside it."""
    place = make_place(folder, "kill_pool")
    first, second = (Command(lambda: run_sweep(place, with_pool, trials=4, epochs=SLOW_EPOCHS)) for _ in range(2))
    joiner = worker_at(place, slot=7)
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
    codes = [first.wait(), second.wait(), joiner.wait()]
    cut = [victim.job.key, unfinished.job.key]
    return {**observer.summary(), "trials": 4, "codes": codes, "cut": cut, "done_before": done_before}


def freeze_pool(folder: Path) -> dict[str, Any]:
    """One of two workers of a pool sleeps past the grace period, and wakes up when the other one has its trial."""
    place = make_place(folder, "freeze_pool", heartbeat_seconds=1, grace_seconds=2)
    sweep = Command(lambda: run_sweep(place, with_pool, trials=4, epochs=SLOW_EPOCHS))
    sweep.begin()
    observer = Observer(place)
    frozen = observer.in_mid_trial()
    assert frozen.pid is not None

    os.kill(frozen.pid, signal.SIGSTOP)
    wait_for(lambda: frozen.job.key in observer.done())
    done_before = observer.done()
    os.kill(frozen.pid, signal.SIGCONT)

    codes = [sweep.wait()]
    return {
        **observer.summary(),
        "trials": 4,
        "codes": codes,
        "frozen": [frozen.job.key],
        "frozen_pid": frozen.pid,
        "done_before": done_before,
    }


SCENARIOS = {act.__name__: act for act in (kill_worker, kill_sweep, freeze, two_sweeps, stop, kill_pool, freeze_pool)}


def main(folder: Path, names: list[str]) -> dict[str, Any]:
    def play(name: str) -> None:
        try:
            facts = SCENARIOS[name](folder)
        finally:
            Command.end_all()
        (folder / f"{name}.json").write_text(json.dumps(facts))

    plays = [Command(lambda name=name: play(name)) for name in names]
    for command in plays:
        command.begin()
    for command in plays:
        command.wait()
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in names}


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))  # noqa: T201 what this program is for
