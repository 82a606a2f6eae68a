"""Sweeps are killed, frozen, stopped and doubled: no job is lost, none is done twice, work goes on from checkpoints.

What is done to them is in kill_scenarios.py, a process of its own; the facts are told here, one by one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("kill_scenarios.py")
ROOT = PROGRAM.parents[2]
SECONDS = 150  # far more than any scenario needs
QUICK = ("kill_worker", "kill_sweep", "freeze", "two_sweeps", "stop")
SLOW = ("kill_pool", "freeze_pool")
STEPS = 4  # of a quick trial to its first checkpoint: 32 training rows in batches of 8

pytestmark = pytest.mark.xdist_group("kills")
Facts = dict[str, Any]


def play(folder: Path, *scenarios: str) -> Facts:
    command = [sys.executable, "-W", "error", str(PROGRAM), str(folder), *scenarios]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    facts: Facts = json.loads(done.stdout)
    return facts


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """{scenario: facts}"""
    return play(tmp_path_factory.mktemp("quick"), *QUICK)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return {name: play(tmp_path_factory.mktemp(name), name)[name] for name in SLOW}


def assert_the_budget_is_exact(facts: Facts) -> None:
    """Each job has one result, and no trial is left running or waiting."""
    assert [record["status"] for record in facts["records"].values()] == ["done"] * facts["trials"]
    assert (facts["complete"], facts["unfinished"]) == (facts["trials"], 0)


@pytest.mark.parametrize("scenario", QUICK)
def test_the_budget_is_exact(quick: Facts, scenario: str) -> None:
    assert_the_budget_is_exact(quick[scenario])


@pytest.mark.parametrize(
    ("scenario", "codes"),
    [("kill_worker", [0, -9, 0]), ("kill_sweep", [-9, 0]), ("freeze", [0, 0, 0]), ("two_sweeps", [0, 0])],
)
def test_who_was_not_killed_ends_well(quick: Facts, scenario: str, codes: list[int]) -> None:
    assert quick[scenario]["codes"] == codes


@pytest.mark.parametrize(("scenario", "job"), [("kill_worker", 0), ("kill_sweep", 1)])
def test_a_killed_trial_is_retried_once_and_from_its_checkpoint(quick: Facts, scenario: str, job: int) -> None:
    records = list(quick[scenario]["records"].values())

    assert [record["attempts"] for record in records] == [1 + (number == job) for number in range(len(records))]
    assert (records[job]["started_from_step"], records[job]["evaluations"]) == (STEPS, 3)


@pytest.mark.parametrize("scenario", ["kill_worker", "kill_sweep", "stop"])
def test_finished_trials_leave_no_checkpoints(quick: Facts, scenario: str) -> None:
    assert quick[scenario]["checkpoints"] == 0


@pytest.mark.parametrize(("scenario", "count"), [("kill_sweep", 1), ("freeze", 2)])
def test_what_was_finished_is_not_done_again(quick: Facts, scenario: str, count: int) -> None:
    """Neither by the same command, nor by a worker that wakes up without its trial."""
    before = quick[scenario]["done_before"]

    assert len(before) == count
    assert {key: quick[scenario]["records"][key]["number"] for key in before} == before


def test_a_frozen_workers_trial_is_done_by_another_one(quick: Facts) -> None:
    (key,) = quick["freeze"]["frozen"]
    record = quick["freeze"]["records"][key]

    assert (record["attempts"], record["pid"]) == (2, quick["freeze"]["other"])


def test_two_sweeps_share_the_jobs_of_one_study(quick: Facts) -> None:
    assert [record["attempts"] for record in quick["two_sweeps"]["records"].values()] == [1] * 3


@pytest.mark.parametrize("moment", ["claim", "job_config", "training", "store_answers", "advance"])
def test_a_worker_that_is_told_to_stop_holds_no_trial_when_it_ends(quick: Facts, moment: str) -> None:
    assert quick["stop"]["after"][moment] == [143, []]


def test_being_stopped_is_not_held_against_a_job(quick: Facts) -> None:
    assert quick["stop"]["losses"] == 0


# ---- the same with a pool, from outside, at whatever moment ----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SLOW)
def test_the_budget_of_a_pool_is_exact(slow: Facts, scenario: str) -> None:
    assert_the_budget_is_exact(slow[scenario])


@pytest.mark.slow
def test_the_trials_of_a_killed_pool_go_on_from_their_checkpoints(slow: Facts) -> None:
    facts = slow["kill_pool"]
    cut = [facts["records"][key] for key in facts["cut"]]

    assert facts["codes"] == [-9, 0, 0]
    assert [record["attempts"] for record in cut] == [2, 2]
    assert all(record["started_from_step"] > 0 for record in cut)


@pytest.mark.slow
def test_what_a_killed_pool_had_finished_is_not_done_again(slow: Facts) -> None:
    facts = slow["kill_pool"]

    assert {key: facts["records"][key]["number"] for key in facts["done_before"]} == facts["done_before"] != {}


@pytest.mark.slow
def test_a_pool_goes_on_with_a_worker_that_slept_too_long(slow: Facts) -> None:
    facts = slow["freeze_pool"]
    (key,) = facts["frozen"]

    assert facts["codes"] == [0]
    assert facts["records"][key]["attempts"] == 2
    assert facts["records"][key]["pid"] != facts["frozen_pid"]
