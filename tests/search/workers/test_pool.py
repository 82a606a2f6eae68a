"""Workers are started, watched, replaced and stopped; none is left, however the pool ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regtune.errors import ConfigError, EnvironmentFault, Interrupted
from regtune.search.workers.pool import Pool
from tests.search.workers.fake_work import FakePlace, notes, wait_for_notes, work


def is_gone(pid: int) -> bool:
    """Waits for it: a killed process takes a moment, and the fork server another one to collect it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.005)
    return False


def nothing() -> None:
    pass


def make_pool(*places: FakePlace, **options: Any) -> Pool:
    defaults = {"work": work, "on_tick": nothing, "on_death": lambda pid: False, "preload": []}
    return Pool(places, **{**defaults, **options})


def soon(act: Callable[[], None]) -> threading.Thread:
    """Do something in a thread while the pool runs."""
    thread = threading.Thread(target=act)
    thread.start()
    return thread


# ---- the ordinary case -----------------------------------------------------------------------------------------------


def test_every_place_has_a_process_of_its_own(tmp_path: Path) -> None:
    make_pool(FakePlace(tmp_path, slot=0), FakePlace(tmp_path, slot=1)).run()

    assert notes(tmp_path, "finished") == ["", ""]
    assert len({*notes(tmp_path, "started-0"), *notes(tmp_path, "started-1"), str(os.getpid())}) == 3


def test_ticks_come_from_the_start_to_the_end(tmp_path: Path) -> None:
    seen: list[int] = []
    pool = make_pool(FakePlace(tmp_path), on_tick=lambda: seen.append(len(notes(tmp_path, "finished"))))

    pool.run()

    assert (seen[0], seen[-1]) == (0, 1)


def test_what_workers_print_goes_to_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_pool(FakePlace(tmp_path, does=("speak",))).run()

    assert capfd.readouterr() == ("", "")
    assert (tmp_path / "workers.log").read_text() == "spoken aloud\n"


def test_no_file_is_left_when_they_print_nothing(tmp_path: Path) -> None:
    make_pool(FakePlace(tmp_path)).run()

    assert not (tmp_path / "workers.log").exists()


# ---- deaths ----------------------------------------------------------------------------------------------------------


def test_a_killed_worker_is_reported_and_replaced(tmp_path: Path) -> None:
    dead: list[int] = []
    pool = make_pool(FakePlace(tmp_path, does=("be_killed", "finish")), on_death=lambda pid: bool(dead.append(pid)))

    pool.run()

    first, second = notes(tmp_path, "started-0")
    assert dead == [int(first)] != [int(second)]
    assert pool.notes == ["worker 1 was killed by signal 9: another one takes its place"]


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("leave_with_3", "ended with exit code 3"),
        ("fail", "failed with ValueError: a bug"),
        ("be_interrupted", "ended with exit code 143"),
    ],
)
def test_any_other_end_is_a_death_too(tmp_path: Path, does: str, said: str) -> None:
    pool = make_pool(FakePlace(tmp_path, does=(does, "finish")))

    pool.run()

    assert pool.notes == [f"worker 1 {said}: another one takes its place"]


def test_a_worker_that_never_survives_is_started_four_times(tmp_path: Path) -> None:
    pool = make_pool(FakePlace(tmp_path, does=("be_killed",)))

    with pytest.raises(EnvironmentFault, match="died 4 times without finishing a job; the last one was killed by sig"):
        pool.run()
    assert len(notes(tmp_path, "started-0")) == 4


def test_a_job_that_is_over_starts_the_count_again(tmp_path: Path) -> None:
    """A death after a finished job is the first one again: 1, 2, 3, 1, 2, 3, then the seventh worker finishes."""
    answers = iter([False, False, False, True, False, False])
    pool = make_pool(FakePlace(tmp_path, does=("be_killed",) * 6 + ("finish",)), on_death=lambda pid: next(answers))

    pool.run()

    assert len(notes(tmp_path, "started-0")) == 7


def test_a_place_given_up_does_not_end_the_others(tmp_path: Path) -> None:
    pool = make_pool(FakePlace(tmp_path, does=("be_killed",)), FakePlace(tmp_path, slot=1))

    pool.run()

    assert pool.notes[-1] == ("worker 1 was killed by signal 9, 4 times without finishing a job: its place stays empty")


def test_a_bug_reaches_the_parent_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^ValueError: a bug$") as caught:
        make_pool(FakePlace(tmp_path, does=("fail",))).run()

    assert "fake_work.py" in str(caught.value.__cause__)


def test_workers_outlive_nobody_who_lost_their_fork_server(tmp_path: Path) -> None:
    """Without the server nobody learns how they end, so they are killed and replaced."""

    def kill_server() -> None:
        pid = int(wait_for_notes(tmp_path, "training")[0])
        os.kill(int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)

    killer = soon(kill_server)
    make_pool(FakePlace(tmp_path, does=("train", "finish"))).run()
    killer.join()

    assert is_gone(int(notes(tmp_path, "started-0")[0]))
    assert notes(tmp_path, "finished") == [""]


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_for_the_user_ends_the_sweep_as_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        make_pool(FakePlace(tmp_path, does=("refuse",))).run()

    assert caught.value.problems == ("one problem", "another")
    assert (str(caught.value), caught.value.hint) == ("one problem\nanother", "change both")
    assert capfd.readouterr() == ("", "")


def test_the_other_workers_save_before_an_error_is_raised(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        make_pool(
            FakePlace(tmp_path, does=("train",)), FakePlace(tmp_path, slot=1, does=("wait_for_others_and_refuse",))
        ).run()

    assert notes(tmp_path, "saved") == ["15"]


def test_an_error_of_the_leaderboard_stops_the_workers(tmp_path: Path) -> None:
    def tick() -> None:
        if notes(tmp_path, "training"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_pool(FakePlace(tmp_path, does=("train",)), on_tick=tick).run()
    assert is_gone(int(notes(tmp_path, "training")[0]))
    assert notes(tmp_path, "saved") == ["15"]


# ---- signals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_every_worker_save(tmp_path: Path, number: signal.Signals) -> None:
    def send() -> None:
        wait_for_notes(tmp_path, "training", count=2)
        os.kill(os.getpid(), number)

    sender = soon(send)
    with pytest.raises(Interrupted) as caught:
        make_pool(FakePlace(tmp_path, does=("train",)), FakePlace(tmp_path, slot=1, does=("train",))).run()
    sender.join()

    assert caught.value.exit_code == 128 + number
    assert caught.value.hint == "the same command goes on from here"
    assert notes(tmp_path, "saved") == ["15", "15"]


def test_a_worker_that_holds_no_trial_ends_on_the_spot(tmp_path: Path) -> None:
    def send() -> None:
        wait_for_notes(tmp_path, "waiting")
        os.kill(os.getpid(), signal.SIGINT)

    sender = soon(send)
    with pytest.raises(Interrupted):
        make_pool(FakePlace(tmp_path, does=("wait_idly",))).run()
    sender.join()

    assert is_gone(int(notes(tmp_path, "waiting")[0]))


def test_a_worker_hears_one_signal_only(tmp_path: Path) -> None:
    """Ctrl-C reaches it from the terminal, SIGTERM from Slurm and from the parent: it saves undisturbed."""

    def send() -> None:
        pid = int(wait_for_notes(tmp_path, "training")[0])
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        wait_for_notes(tmp_path, "saving")
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(pid, number)

    sender = soon(send)
    make_pool(FakePlace(tmp_path, does=("train", "finish"))).run()
    sender.join()

    assert notes(tmp_path, "saved") == ["15"]


def test_a_worker_that_does_not_save_in_time_is_killed(tmp_path: Path) -> None:
    def send() -> None:
        wait_for_notes(tmp_path, "deaf")
        os.kill(os.getpid(), signal.SIGTERM)

    sender = soon(send)
    with pytest.raises(Interrupted):
        make_pool(FakePlace(tmp_path, does=("be_deaf",)), save_seconds=0.1).run()
    sender.join()

    assert is_gone(int(notes(tmp_path, "deaf")[0]))


def test_a_second_ctrl_c_kills_at_once(tmp_path: Path) -> None:
    def send() -> None:
        wait_for_notes(tmp_path, "deaf")
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    sender = soon(send)
    with pytest.raises(KeyboardInterrupt):
        make_pool(FakePlace(tmp_path, does=("be_deaf",))).run()
    sender.join()

    assert is_gone(int(notes(tmp_path, "deaf")[0]))
