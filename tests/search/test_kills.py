"""Real sweeps are killed, frozen and joined: no job is lost, none is done twice, work goes on from checkpoints.

What is done to them is in sweep_harness.py, a process of its own per scenario; the facts are told here, one by one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HARNESS = Path(__file__).with_name("sweep_harness.py")
ROOT = HARNESS.parents[2]


def run_harness(folder: Path, scenario: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "error", str(HARNESS), str(folder), scenario]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A worker killed in mid-trial, then the whole sweep; the same command again, and a joiner beside it."""
    return run_harness(tmp_path_factory.mktemp("kills"), "kills")


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A worker asleep past the grace period in mid-trial, while another one works; then it wakes up."""
    return run_harness(tmp_path_factory.mktemp("freeze"), "freeze")


pytestmark = pytest.mark.xdist_group("kills")


@pytest.mark.parametrize("scenario", ["killed", "frozen"])
def test_the_budget_is_exact(scenario: str, request: pytest.FixtureRequest) -> None:
    """Each job has one result, and no trial is left running or waiting."""
    facts = request.getfixturevalue(scenario)

    assert [record["status"] for record in facts["records"].values()] == ["done"] * facts["trials"]
    assert (facts["complete"], facts["unfinished"]) == (facts["trials"], 0)


@pytest.mark.parametrize("job", ["victim", "unfinished_by_kill"])
def test_a_killed_trial_is_retried_from_its_checkpoint(killed: dict[str, Any], job: str) -> None:
    record = killed["records"][killed[job]]

    assert record["attempts"] == 2
    assert record["started_from_step"] > 0
    assert record["evaluations"] == 8


def test_what_was_finished_before_the_sweep_was_killed_is_not_done_again(killed: dict[str, Any]) -> None:
    finished = {key: killed["records"][key]["number"] for key in killed["done_before"]}

    assert finished == killed["done_before"] != {}


def test_the_same_command_and_a_joiner_finish_a_killed_sweep(killed: dict[str, Any]) -> None:
    assert killed["killed"] == -9
    assert killed["codes"] == [0, 0]


def test_finished_trials_leave_no_checkpoints(killed: dict[str, Any]) -> None:
    assert killed["checkpoints"] == 0


def test_a_frozen_workers_trial_is_done_by_another_one(frozen: dict[str, Any]) -> None:
    record = frozen["records"][frozen["frozen"]]

    assert (record["attempts"], record["pid"]) == (2, frozen["other"])


def test_a_worker_that_wakes_up_without_its_trial_goes_on(frozen: dict[str, Any]) -> None:
    """It ends as one whose study is finished, and changes nothing of what the other one did."""
    finished = {key: frozen["records"][key]["number"] for key in frozen["done_before"]}

    assert frozen["codes"] == [0, 0]
    assert finished == frozen["done_before"]
