"""Optuna's storage for workers that must outlive their database's bad moments. Four things differ from RDBStorage.

- Every call waits while the database is away (restarting, unreachable, locked), and then is made again.
- The heartbeat thread survives an outage; Optuna's ends at its first error, and the trial is taken for dead.
- A trial counts as stale only when it looks stale twice, two heartbeats apart: after an outage, or after a laptop
  slept, everybody's heartbeat is old, and the first worker to look would fail all trials of the living.
- Two workers on SQLite never claim the same trial: Optuna relies on SELECT … FOR UPDATE, which SQLite lacks.

It leans on private names of Optuna 5 (`_create_new_trial`, `_get_stale_trial_ids`, …), hence `optuna>=5,<6` and the
canaries in tests/search/storage/test_patient.py. Imported only when a storage is opened.
"""

from __future__ import annotations

import functools
import logging
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from regtune.errors import EnvironmentFault
from regtune.search.storage.faults import database_fault

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5  # between two attempts while the database is away

Options = ParamSpec("Options")
Answer = TypeVar("Answer")
Method = Callable[Concatenate[Any, Options], Answer]


def _waiting(method: Method[Options, Answer]) -> Method[Options, Answer]:
    """The method of RDBStorage, made again after an outage. All of them can be: see `PatientStorage`."""

    @functools.wraps(method)
    def call(self: Any, /, *arguments: Options.args, **options: Options.kwargs) -> Answer:
        storage: PatientStorage = self
        return storage.patiently(lambda: method(storage, *arguments, **options))

    return call


class PatientStorage(RDBStorage):
    """RDBStorage whose calls wait for a database that is away, up to `patience_seconds`, then raise EnvironmentFault.

    patience_seconds may be changed at any time; 0 makes a call that waits give up at once (a signal handler does that).

    A connection can break after the server has committed and before we know. Making the call again is then harmless:
    reads and values are the same twice, a trial finished twice is recognised, a trial enqueued twice has the same job
    key and the later one is dropped, and a claim that nobody knows of gets a heartbeat and goes stale.
    """

    def __init__(self, url: URL, *, patience_seconds: float, **options: Any) -> None:
        self.patience_seconds = patience_seconds
        self._address = url
        self._waiting_since: float | None = None  # monotonic; None: the last call was answered
        self._outage_is_logged = False
        self._stale_since: dict[int, float] = {}  # trial id → monotonic time at which it first looked stale
        super().__init__(url.render_as_string(hide_password=False), **options)
        weakref.finalize(self, self.engine.dispose)  # closes the connections, which would warn that nobody did

    create_new_study = _waiting(RDBStorage.create_new_study)
    delete_study = _waiting(RDBStorage.delete_study)
    set_study_user_attr = _waiting(RDBStorage.set_study_user_attr)
    set_study_system_attr = _waiting(RDBStorage.set_study_system_attr)
    get_study_id_from_name = _waiting(RDBStorage.get_study_id_from_name)
    get_study_name_from_id = _waiting(RDBStorage.get_study_name_from_id)
    get_study_directions = _waiting(RDBStorage.get_study_directions)
    get_study_user_attrs = _waiting(RDBStorage.get_study_user_attrs)
    get_study_system_attrs = _waiting(RDBStorage.get_study_system_attrs)
    get_all_studies = _waiting(RDBStorage.get_all_studies)
    _create_new_trial = _waiting(RDBStorage._create_new_trial)
    _set_trial_param = _waiting(RDBStorage._set_trial_param)
    set_trial_param = _waiting(RDBStorage.set_trial_param)
    set_trial_intermediate_value = _waiting(RDBStorage.set_trial_intermediate_value)
    set_trial_user_attr = _waiting(RDBStorage.set_trial_user_attr)
    set_trial_system_attr = _waiting(RDBStorage.set_trial_system_attr)
    get_trial_id_from_study_id_trial_number = _waiting(RDBStorage.get_trial_id_from_study_id_trial_number)
    get_trial = _waiting(RDBStorage.get_trial)
    _get_trials = _waiting(RDBStorage._get_trials)
    _get_best_trial_id = _waiting(RDBStorage._get_best_trial_id)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Claim or finish a trial. False: another worker was first."""
        attempts = 0

        def change() -> bool:
            nonlocal attempts
            attempts += 1
            if self.engine.dialect.name == "sqlite":
                self._lock_sqlite()
            try:
                return RDBStorage.set_trial_state_values(self, trial_id, state, values)
            except UpdateFinishedTrialError:
                if attempts > 1 and self.get_trial(trial_id).state == state:
                    return True  # the first attempt did it; only its answer was lost
                raise

        return self.patiently(change)

    def record_heartbeat(self, trial_id: int) -> None:
        """Say that the trial is alive; an error is logged once and the next heartbeat tries again."""
        try:
            super().record_heartbeat(trial_id)
        except (StorageInternalError, SQLAlchemyError) as error:
            self._log_once(f"heartbeat of a trial not recorded: {self._fault(error) or error}")
        else:
            self._outage_is_logged = False

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """Running trials whose worker is gone: no heartbeat in the grace period, seen twice two heartbeats apart."""
        assert self.heartbeat_interval is not None
        self.patiently(lambda: self._record_missing_heartbeats(study_id))
        stale = self.patiently(lambda: RDBStorage._get_stale_trial_ids(self, study_id))
        now = time.monotonic()
        self._stale_since = {trial: self._stale_since.get(trial, now) for trial in stale}
        return [trial for trial, since in self._stale_since.items() if now - since >= 2 * self.heartbeat_interval]

    @staticmethod
    def _fill_storage_url_template(template: str) -> str:
        """The URL as it is: Optuna fills {SCHEMA_VERSION} in, which fails on other braces in a path."""
        return template

    def patiently(self, call: Callable[[], Answer]) -> Answer:
        """The call's answer, made again while the database is away. Raises EnvironmentFault when patience ends."""
        while True:
            try:
                answer = call()
            except (StorageInternalError, SQLAlchemyError) as error:
                fault = self._fault(error)
                if fault is None:
                    raise
                self._wait(error, fault)
            else:
                self._waiting_since = None
                self._outage_is_logged = False
                return answer

    def _wait(self, error: Exception, fault: EnvironmentFault) -> None:
        """Sleep a moment, or raise the fault. Patience counts from the first call that failed in this outage."""
        if not self._is_outage(fault):
            raise fault from error
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        away_seconds = now - self._waiting_since
        if away_seconds >= self.patience_seconds:
            raise EnvironmentFault(
                f"{fault}, for {away_seconds:.0f} s",
                hint="nothing finished is lost: run the same command again when the database is back",
            ) from error
        self._log_once(f"{fault}; waiting up to {self.patience_seconds:g} s")
        time.sleep(min(RETRY_SECONDS, self.patience_seconds - away_seconds))

    def _is_outage(self, fault: EnvironmentFault) -> bool:
        """The URL was good when the storage was opened: whatever a server refuses now may be over in a moment."""
        return self.engine.dialect.name != "sqlite" or "database is locked" in str(fault)

    def _fault(self, error: Exception) -> EnvironmentFault | None:
        """The error in one line; None: not the database's fault but that of the call."""
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error  # Optuna wraps some of them
        if not isinstance(cause, DBAPIError):
            return None
        is_away = cause.connection_invalidated or isinstance(cause, (OperationalError, InterfaceError))
        return database_fault(self._address, cause) if is_away else None

    def _log_once(self, message: str) -> None:
        if not self._outage_is_logged:
            logger.warning(message)
        self._outage_is_logged = True

    def _lock_sqlite(self) -> None:
        """Begin the transaction that Optuna's next call in this thread goes on with, as the only writer."""
        session = self.scoped_session()
        try:
            session.execute(text("BEGIN IMMEDIATE"))
        except SQLAlchemyError:
            session.rollback()
            raise

    def _record_missing_heartbeats(self, study_id: int) -> None:
        """A trial whose worker died before its first heartbeat is never stale for Optuna; from now on it can be."""
        trials = models.TrialModel
        claimed = select(trials.trial_id).where(
            trials.study_id == study_id, trials.state == TrialState.RUNNING, ~trials.heartbeats.any()
        )
        with Session(self.engine) as session:
            silent = list(session.scalars(claimed))
        for trial_id in silent:
            RDBStorage.record_heartbeat(self, trial_id)
