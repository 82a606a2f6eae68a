"""A study in PostgreSQL: what a user can get wrong, and a server that goes away and comes back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import optuna
import pytest
from optuna.trial import TrialState

from regtune.errors import EnvironmentFault
from regtune.search.storage.opening import open_storage
from regtune.search.storage.patient import PatientStorage
from tests.search.storage.postgres import Postgres, running_postgres

TRIALS = 12

# A worker as a sweep has it, whose trials take half a second and report five steps.
WORKER = """
import sys, time, optuna
from regtune.search.storage.opening import open_storage

storage = open_storage(sys.argv[1], heartbeat_seconds=1, grace_seconds=2, start_patience_seconds=30)
study = optuna.load_study(storage=storage, study_name="s")

def objective(trial):
    for step in range(5):
        time.sleep(0.1)
        trial.report(step, step)
    return trial.number

while any(trial.state.name == "WAITING" for trial in study.trials):
    study.optimize(objective, n_trials=1)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def new_study(url: str) -> optuna.Study:
    study = optuna.create_study(storage=open_storage(url), study_name="s")
    for _ in range(TRIALS):
        study.enqueue_trial({})
    return study


def start_worker(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WORKER, url], stderr=subprocess.PIPE, text=True)


def wait_until_running(study: optuna.Study, *, trials: int) -> None:
    """Until so many trials run or have run."""
    deadline = time.monotonic() + 60
    while sum(trial.state != TrialState.WAITING for trial in study.trials) < trials:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_server_s_refusal_is_one_line_with_the_way_out(postgres: Postgres) -> None:
    where = f"database 127.0.0.1:{postgres.port}"
    secret = "check user and password; the password may stay out of the URL: ~/.pgpass or PGPASSWORD"
    cases = [
        (
            postgres.url_of(name="sweeps", password="not it"),
            f'{where}/sweeps: password authentication failed for user "regtune"',
            secret,
        ),
        (
            postgres.url_of(name="sweeps", user="bob"),
            f'{where}/sweeps: password authentication failed for user "bob"',
            secret,
        ),
        (
            f"postgresql://regtune@127.0.0.1:{postgres.port}/sweeps",
            f"{where}/sweeps: fe_sendauth: no password supplied",
            secret,
        ),
        (
            postgres.url_of(name="none"),
            f'{where}/none: database "none" does not exist',
            "`createdb -h 127.0.0.1 -O regtune none` makes it",
        ),
        (
            f"{postgres.url}?sslmode=require",
            f"{where}/sweeps: server does not support SSL, but SSL was required",
            "check port and options in the storage URL",
        ),
    ]  # fmt: skip

    for url, message, hint in cases:
        with pytest.raises(EnvironmentFault) as caught:
            open_storage(url)
        assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.slow
def test_a_study_that_must_exist_is_not_created_on_a_server(postgres: Postgres) -> None:
    postgres.create_database("empty")

    with pytest.raises(EnvironmentFault, match=r"/empty: holds no study$"):
        open_storage(postgres.url_of(name="empty"), must_exist=True)


@pytest.mark.slow
def test_two_workers_do_every_trial_once(postgres: Postgres) -> None:
    postgres.create_database("two")
    url = postgres.url_of(name="two")
    study = new_study(url)

    workers = [start_worker(url), start_worker(url)]
    said = [worker.communicate(timeout=120)[1] for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], said
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * TRIALS


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_no_trial_is_lost_when_the_server_is_away_longer_than_the_grace(postgres: Postgres, mode: str) -> None:
    """Nobody's heartbeat arrives for 4 s, the grace is 2 s; yet all workers are alive and end what they began."""
    postgres.create_database(mode)
    url = postgres.url_of(name=mode)
    study = new_study(url)
    observer = open_storage(url, heartbeat_seconds=1, grace_seconds=2)
    workers = [start_worker(url), start_worker(url)]
    wait_until_running(study, trials=4)

    postgres.stop(mode=mode)
    time.sleep(4)
    postgres.start()
    stale = observer._get_stale_trial_ids(study._study_id)  # at once, before anybody's next heartbeat
    said = [worker.communicate(timeout=120)[1] for worker in workers]

    assert stale == []
    assert [worker.returncode for worker in workers] == [0, 0], said
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * TRIALS
    assert all(len(trial.intermediate_values) == 5 for trial in study.trials)
    assert all("waiting up to 300 s" in words and "Traceback" not in words for words in said)


@pytest.mark.slow
def test_a_killed_worker_s_trial_is_done_by_another(postgres: Postgres) -> None:
    postgres.create_database("killed")
    url = postgres.url_of(name="killed")
    study = new_study(url)
    victim = start_worker(url)
    wait_until_running(study, trials=1)
    victim.kill()
    victim.communicate()
    storage = open_storage(url, heartbeat_seconds=1, grace_seconds=2)

    other = optuna.load_study(storage=storage, study_name="s")
    deadline = time.monotonic() + 60
    while sum(trial.state == TrialState.COMPLETE for trial in other.trials) < TRIALS and time.monotonic() < deadline:
        other.optimize(lambda trial: 0.0 if time.sleep(0.5) is None else 1.0, n_trials=1)

    states = [trial.state for trial in other.trials]
    assert (states.count(TrialState.FAIL), states.count(TrialState.COMPLETE)) == (1, TRIALS)


@pytest.mark.slow
def test_the_heartbeat_goes_on_after_an_outage(postgres: Postgres) -> None:
    """Optuna's own thread ends at its first error, and the trial is taken for dead."""
    postgres.create_database("heart")
    storage = open_storage(postgres.url_of(name="heart"), heartbeat_seconds=1, grace_seconds=2)
    study = optuna.create_study(storage=storage, study_name="s")
    beats: list[float] = []
    record = PatientStorage.record_heartbeat

    def counted(self: PatientStorage, trial_id: int) -> None:
        record(self, trial_id)
        beats.append(time.monotonic())

    def objective(trial: optuna.Trial) -> float:
        postgres.stop()
        time.sleep(2.5)
        postgres.start()
        back = time.monotonic()
        time.sleep(2.5)
        assert any(beat > back for beat in beats)
        return 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PatientStorage, "record_heartbeat", counted)
        study.optimize(objective, n_trials=1)

    assert study.trials[0].state == TrialState.COMPLETE


@pytest.mark.slow
def test_a_call_gives_up_when_the_server_stays_away(postgres: Postgres) -> None:
    postgres.create_database("away")
    storage = open_storage(postgres.url_of(name="away"), patience_seconds=1)
    study = optuna.create_study(storage=storage, study_name="s")

    postgres.stop()
    try:
        with pytest.raises(EnvironmentFault, match=r"/away: Connection refused, for [123] s$"):
            study.trials  # noqa: B018 - reads them
    finally:
        postgres.start()


@pytest.mark.slow
def test_a_signal_handler_ends_the_waiting(postgres: Postgres) -> None:
    postgres.create_database("signal")
    storage = open_storage(postgres.url_of(name="signal"))
    study = optuna.create_study(storage=storage, study_name="s")
    began = time.monotonic()

    postgres.stop()
    threading.Timer(1, lambda: setattr(storage, "patience_seconds", 0)).start()
    try:
        with pytest.raises(EnvironmentFault, match="Connection refused"):
            study.trials  # noqa: B018 - reads them
    finally:
        postgres.start()

    assert time.monotonic() - began < 20
