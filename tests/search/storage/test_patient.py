"""The storage outlives outages, and no two workers get one trial."""

from __future__ import annotations

import inspect
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import OperationalError as SqliteError

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import TrialState
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from regtune.errors import EnvironmentFault
from regtune.search.storage.opening import default_url, open_storage
from regtune.search.storage.patient import PatientStorage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[PatientStorage]:
    """With a heartbeat every second, a grace of one second and half a second of patience."""
    opened = open_storage(default_url(tmp_path), heartbeat_seconds=1, grace_seconds=1, patience_seconds=0.5)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def study(storage: PatientStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="s")


def locked() -> OperationalError:
    return OperationalError("INSERT …", {}, SqliteError("database is locked"))


def test_every_call_of_optuna_waits() -> None:
    """Optuna puts its cache before any RDBStorage; what that calls is what must be patient."""
    called = set(re.findall(r"_backend\.(\w+)\(", inspect.getsource(_CachedStorage)))

    need_no_database = {"get_heartbeat_interval", "get_heartbeat_stale_trial_callback", "remove_session"}
    assert {"_get_trials", "_create_new_trial"} <= called
    assert called - need_no_database - set(vars(PatientStorage)) == set()


def test_a_call_is_made_again_until_it_is_answered(storage: PatientStorage) -> None:
    errors = [locked()]

    def call() -> str:
        if errors:
            raise errors.pop()
        return "answer"

    assert storage.patiently(call) == "answer"


def always_locked() -> None:
    raise locked()


def test_patience_ends_with_what_was_wrong_and_how_long(storage: PatientStorage, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        storage.patiently(always_locked)

    path = tmp_path.resolve() / "sweep.db"
    assert re.fullmatch(rf"database {path}: database is locked, for [01] s", str(caught.value))
    assert caught.value.hint == "nothing finished is lost: run the same command again when the database is back"


def test_patience_is_counted_over_an_outage_not_a_call(storage: PatientStorage) -> None:
    """A trial that gave up tells Optuna that it failed, which must not wait as long again."""
    with pytest.raises(EnvironmentFault):
        storage.patiently(always_locked)
    began = time.monotonic()

    with pytest.raises(EnvironmentFault):
        storage.patiently(always_locked)

    assert time.monotonic() - began < 0.25


def test_without_patience_a_call_gives_up_at_once(storage: PatientStorage) -> None:
    storage.patience_seconds = 0

    with pytest.raises(EnvironmentFault, match="for 0 s"):
        storage.patiently(always_locked)


def test_an_outage_is_said_once(storage: PatientStorage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(EnvironmentFault):
        storage.patiently(always_locked)

    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "database is locked; waiting up to 0.5 s"
    ]


def test_what_waiting_cannot_mend_is_raised_at_once(storage: PatientStorage, study: optuna.Study) -> None:
    storage.patience_seconds = 60
    with storage.engine.begin() as connection:
        connection.execute(text("ALTER TABLE trials RENAME TO gone"))

    with pytest.raises(EnvironmentFault, match=r"sweep.db: no such table: "):
        study.trials  # noqa: B018 - reads them


def test_a_wrong_call_is_not_an_outage(storage: PatientStorage) -> None:
    def call() -> None:
        raise IntegrityError("INSERT …", {}, SqliteError("UNIQUE constraint failed"))

    with pytest.raises(IntegrityError):
        storage.patiently(call)


def test_a_heartbeat_that_fails_is_said_once_and_tried_again(
    storage: PatientStorage, study: optuna.Study, caplog: pytest.LogCaptureFixture
) -> None:
    trial_id = storage.create_new_trial(study._study_id)
    rename = "ALTER TABLE trial_heartbeats RENAME TO gone"
    with storage.engine.begin() as connection:
        connection.execute(text(rename))

    storage.record_heartbeat(trial_id)
    storage.record_heartbeat(trial_id)

    assert len(caplog.records) == 1
    assert "heartbeat of a trial not recorded: database " in caplog.records[0].message


def make_old(storage: PatientStorage) -> None:
    """All heartbeats, by an hour."""
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '-1 hour')"))


def test_a_trial_is_stale_when_it_looks_so_twice(
    storage: PatientStorage, study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage all heartbeats are old; the living need a moment for the next one."""
    trial_id = storage.create_new_trial(study._study_id)
    storage.record_heartbeat(trial_id)
    make_old(storage)
    now = time.monotonic()

    looks = []
    for seconds in (0, 1.9, 2):  # two heartbeats are 2 s
        monkeypatch.setattr(time, "monotonic", lambda at=now + seconds: at)
        looks.append(storage._get_stale_trial_ids(study._study_id))

    assert looks == [[], [], [trial_id]]


def test_a_trial_that_is_heard_of_again_is_alive(
    storage: PatientStorage, study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial_id = storage.create_new_trial(study._study_id)
    storage.record_heartbeat(trial_id)
    make_old(storage)
    assert storage._get_stale_trial_ids(study._study_id) == []

    storage.record_heartbeat(trial_id)
    after = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: after)

    assert storage._get_stale_trial_ids(study._study_id) == []


def test_a_trial_whose_worker_died_before_its_first_heartbeat_becomes_stale(
    storage: PatientStorage, study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial_id = storage.create_new_trial(study._study_id)
    storage._get_stale_trial_ids(study._study_id)  # gives it a heartbeat
    make_old(storage)
    storage._get_stale_trial_ids(study._study_id)
    after = time.monotonic() + 2
    monkeypatch.setattr(time, "monotonic", lambda: after)

    assert storage._get_stale_trial_ids(study._study_id) == [trial_id]


def test_a_trial_finished_by_a_call_whose_answer_was_lost_is_finished(
    storage: PatientStorage, study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial_id = storage.create_new_trial(study._study_id)
    finish = RDBStorage.set_trial_state_values
    lost = [locked()]

    def finish_and_lose_the_answer(*arguments: object) -> bool:
        done = finish(*arguments)  # type: ignore[arg-type]
        if lost:
            raise lost.pop()
        return done

    monkeypatch.setattr(RDBStorage, "set_trial_state_values", finish_and_lose_the_answer)

    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])


def test_a_trial_that_another_one_failed_is_not_finished_any_more(storage: PatientStorage, study: optuna.Study) -> None:
    trial_id = storage.create_new_trial(study._study_id)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)

    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
