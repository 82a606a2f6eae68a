"""A whole sweep as a user starts it, with the tiny model and a database server; and what its study says afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import optuna

from regtune.search.storage.opening import open_storage
from regtune.search.study.facts import read_facts
from regtune.search.study.plans import plan_of
from regtune.search.study.reading import read_records
from regtune.search.study.record import Record

ROOT = Path(__file__).parents[2]
SECONDS = 240  # for anything to happen on a busy machine

# A trial takes two seconds or three: 20 epochs × 8 steps, and an evaluation after each epoch.
FILE = """
model: tiny
data: {{train: {rows}, max_length: 16}}
regularization: {{dropout: 0.1, weight_decay: 0.01, patience: null, smoothing: 0.1}}
training: {{epochs: 20, batch_size: 6, learning_rate: 1e-3, device: cpu}}
output: {output}
sweep:
  trials: 6
  confirm: 3
  folds: 3
  sampler: random
  space: {{regularization.dropout: [0.0, 0.1, 0.3], training.learning_rate: {{low: 5e-4, high: 3e-3, log: true}}}}
"""


def write_sweep_file(folder: Path, *, rows: Path) -> Path:
    """search.yaml, whose sweep lies in runs/search beside it."""
    path = folder / "search.yaml"
    path.write_text(FILE.format(rows=rows, output=folder / "runs" / "search"), "utf-8")
    return path


def start(*words: object, environment: Mapping[str, str] = os.environ) -> subprocess.Popen[str]:
    """`regtune sweep` with these words."""
    return subprocess.Popen(
        [sys.executable, "-m", "regtune", "sweep", *map(str, words)],
        env={**environment, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"},  # threads that spin starve others
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Its standard output, when it ended well."""
    try:
        output, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(process.communicate()) from None
    assert process.returncode == 0, output + errors
    return output


def wait_for(happened: Callable[[list[Record]], bool], *, url: str, study: str, process: subprocess.Popen[str]) -> None:
    """Until the records of the study are so, while the sweep runs."""
    deadline = time.monotonic() + SECONDS
    while not happened(records_of(url, study)):
        if process.poll() is not None:
            raise AssertionError(("the sweep ended before", *process.communicate()))
        assert time.monotonic() < deadline, records_of(url, study)
        time.sleep(0.2)


def records_of(url: str, name: str) -> list[Record]:
    """Empty before the study is made."""
    storage = open_storage(url)
    if name not in optuna.get_all_study_names(storage):
        return []
    return read_records(optuna.load_study(storage=storage, study_name=name))


def assert_every_job_was_done_once(url: str, name: str) -> None:
    """The budget is exact and nothing is lost, whatever happened on the way."""
    study = optuna.load_study(storage=open_storage(url), study_name=name)
    done = Counter(trial.user_attrs["job"]["key"] for trial in study.trials if trial.state.name == "COMPLETE")

    assert len(done) == plan_of(read_facts(study)).jobs_in_all()
    assert set(done.values()) == {1}
    assert [trial.number for trial in study.trials if trial.state.name in ("RUNNING", "WAITING")] == []
