"""Whole process groups: Ctrl-C in a terminal, SIGTERM from a scheduler, a parent that is killed. Nothing is left, and
nothing but the program itself speaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from regtune.search.workers.fork_server import WorkerProcess, start_server
from tests.search.workers.fake_work import FakePlace, notes, wait_for_notes, work

HARNESS = Path(__file__).with_name("pool_harness.py")
ROOT = HARNESS.parents[3]
LONG_SECONDS = 30

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the harness as a foreground job is: the leader of a group, which its workers belong to."""
    started: list[subprocess.Popen[str]] = []

    def start_harness(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(HARNESS), str(tmp_path), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SLOW_IMPORT": str(tmp_path)}
        started.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start_harness
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def members(group: int) -> list[int]:
    """Processes of a group, also those whose parent is gone; without those that only wait for init to collect them."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def wait_until_gone(group: int) -> None:
    deadline = time.monotonic() + LONG_SECONDS
    while members(group):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Signal the whole group; exit code and what was printed. Output ends when the last process has."""
    os.killpg(process.pid, number)
    output = "".join(process.communicate(timeout=LONG_SECONDS))
    wait_until_gone(process.pid)
    return process.returncode, output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_lets_every_worker_save_once(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("train")
    wait_for_notes(tmp_path, "training", count=2)

    assert end(process, number) == (128 + number, "")
    assert notes(tmp_path, "saved") == ["15", "15"]


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8, 16, 32])
def test_a_worker_that_is_stopped_as_it_starts_ends_silently(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], milliseconds: int
) -> None:
    """Wherever that finds it: before its main function, in it, or in its work."""
    start_server([], threads=1)
    worker = WorkerProcess.at(FakePlace(tmp_path, does=("wait_idly",)), work)
    time.sleep(milliseconds / 1000)

    worker.process.terminate()
    worker.process.join(LONG_SECONDS)

    log = tmp_path / "workers.log"
    assert worker.bury() == (128 + signal.SIGTERM, None)
    assert (capfd.readouterr(), log.read_text() if log.exists() else "") == (("", ""), "")


def test_ctrl_c_during_the_imports_is_silent(start: Start, tmp_path: Path) -> None:
    process = start("finish", "tests.search.workers.slow_import")
    wait_for_notes(tmp_path, "importing")

    assert end(process, signal.SIGINT) == (130, "")
    assert notes(tmp_path, "finished") == []


def test_workers_of_a_killed_parent_save_and_end(start: Start, tmp_path: Path) -> None:
    process = start("train")
    wait_for_notes(tmp_path, "training", count=2)

    process.kill()

    assert process.communicate(timeout=LONG_SECONDS) == ("", "")
    wait_until_gone(process.pid)
    assert notes(tmp_path, "saved") == ["15", "15"]


def test_a_script_without_a_main_guard_is_not_run_by_its_workers(start: Start, tmp_path: Path) -> None:
    process = start("finish")

    assert process.communicate(timeout=LONG_SECONDS) == ("", "")
    assert process.returncode == 0
    assert len(notes(tmp_path, "started")) == 2


def test_workers_killed_with_their_parent_leave_nothing(start: Start, tmp_path: Path) -> None:
    process = start("train")
    wait_for_notes(tmp_path, "training", count=2)

    assert end(process, signal.SIGKILL) == (-9, "")
