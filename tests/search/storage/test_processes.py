"""Several processes begin one study on a fresh SQLite file in the same moment; forked, since importing is slow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from regtune.search.storage.opening import default_url

TRIALS = 50
PROCESSES = 4
CODE = f"""
import json, multiprocessing, sys
import alembic.command, optuna, sqlalchemy.orm
import regtune.search.storage.patient
from regtune.search.storage.opening import open_storage

context = multiprocessing.get_context("fork")
start, created, filled = (context.Barrier({PROCESSES}, timeout=20) for _ in range(3))

def work(number, answers):
    start.wait()
    storage = open_storage(sys.argv[1])
    created.wait()
    if number == 0:
        study = optuna.create_study(storage=storage, study_name="s")
        for _ in range({TRIALS}):
            study.enqueue_trial({{}})
    filled.wait()
    waiting = [trial._trial_id for trial in storage.get_all_trials(1)]
    answers.put([trial for trial in waiting if storage.set_trial_state_values(trial, optuna.trial.TrialState.RUNNING)])

answers = context.SimpleQueue()
processes = [context.Process(target=work, args=(number, answers)) for number in range({PROCESSES})]
for process in processes: process.start()
claims = [answers.get() for _ in processes]
for process in processes: process.join()
print(json.dumps(claims))
"""


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> list[list[int]]:
    """The trials that each process got."""
    folder: Path = tmp_path_factory.mktemp("processes")
    command = [sys.executable, "-c", CODE, default_url(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_all_of_them_can_create_the_database(claims: list[list[int]]) -> None:
    """Without another try, the later ones die of "table alembic_version already exists"."""
    assert len(claims) == PROCESSES


def test_no_trial_is_claimed_twice_and_none_is_forgotten(claims: list[list[int]]) -> None:
    """Optuna alone reads, then writes: on SQLite two processes may both find a trial waiting."""
    assert sorted(trial for claimed in claims for trial in claimed) == list(range(1, TRIALS + 1))
