"""How many workers, with how many threads: from what the machine has."""

from __future__ import annotations

import os
from typing import Any

import pytest

from regtune.errors import ConfigError
from regtune.search.workers.slots import (
    Seats,
    core_quota,
    count_cores,
    count_gpus,
    count_workers,
    free_memory,
    memory_per_worker,
    memory_quota,
)

GB = 10**9
MACHINE: dict[str, Any] = {"gpus": 0, "cores": 8, "memory_free": 16 * GB, "memory_per_worker": GB, "jobs": 100}


def seats(asked: Any, **other: Any) -> Seats:
    return count_workers(asked, **{**MACHINE, **other})


@pytest.mark.parametrize(
    ("other", "workers", "threads"),
    [
        ({}, 8, 1),
        ({"gpus": 2}, 2, 4),
        ({"gpus": 16, "cores": 8}, 16, 1),
        ({"jobs": 3}, 3, 2),
        ({"gpus": 2, "jobs": 1}, 1, 8),
        ({"memory_free": None}, 8, 1),
    ],
)
def test_auto_takes_gpus_else_cores_but_no_more_than_jobs(other: dict[str, Any], workers: int, threads: int) -> None:
    assert seats("auto", **other) == (workers, threads, None)


def test_auto_starts_as_many_as_memory_holds_and_says_so() -> None:
    assert seats("auto", memory_free=int(2.5 * GB)) == (
        2,
        4,
        "8 workers would need about 8.0 GB of memory, 2.5 GB are free",
    )


def test_auto_starts_one_worker_however_little_memory_there_is() -> None:
    assert seats("auto", memory_free=1000).workers == 1


def test_auto_says_nothing_of_memory_for_workers_that_no_job_needs() -> None:
    assert seats("auto", memory_free=2 * GB, jobs=2) == (2, 4, None)


def test_a_number_is_obeyed_even_beyond_the_cores() -> None:
    assert seats(12) == (12, 1, None)


def test_a_number_is_obeyed_even_beyond_the_memory_with_a_note() -> None:
    assert seats(4, memory_free=3 * GB) == (4, 2, "4 workers would need about 4.0 GB of memory, 3.0 GB are free")


def test_more_workers_than_jobs_are_not_started() -> None:
    assert seats(4, jobs=3) == (3, 2, "3 instead of 4 workers: no more jobs are left")


def test_more_workers_than_gpus_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"sweep\.workers: must be at most the number of GPUs, 2, got 3") as caught:
        seats(3, gpus=2)
    assert caught.value.hint == "a GPU is not shared: sweep.workers=2, or training.device=cpu"


def test_fewer_workers_than_gpus_are_fine() -> None:
    assert seats(1, gpus=2) == (1, 8, None)


def test_memory_of_a_worker_that_trains_minilm_is_as_measured() -> None:
    """200 MB + 16 · 22.7e6 + 0.0135 · 22.7e6 · 16 · 45 = 784 MB; measured 782."""
    assert memory_per_worker(trained=22_700_000, frozen=0, tokens=16 * 45) == pytest.approx(784e6, rel=0.01)


def test_frozen_parameters_need_no_gradient_and_no_moments() -> None:
    assert memory_per_worker(trained=0, frozen=10**9, tokens=0) == 4_200_000_000


@pytest.mark.parametrize(("limit", "cores"), [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 0)])
def test_the_quota_of_a_container_counts_in_whole_cores(limit: str, cores: int) -> None:
    assert core_quota(limit) == cores


@pytest.mark.parametrize("limit", [None, "max 100000"])
def test_without_a_quota_the_machine_decides(limit: str | None) -> None:
    assert core_quota(limit) > 10**6


def test_memory_of_a_container_is_what_it_has_left() -> None:
    assert memory_quota("1000", "400") == 600
    assert memory_quota("1000", "1200") == 0
    assert memory_quota("max", "400") > 10**15


def test_cores_are_those_this_process_may_use() -> None:
    assert 1 <= count_cores() <= len(os.sched_getaffinity(0))


def test_some_memory_is_free_here() -> None:
    free = free_memory()

    assert free is not None
    assert 10**8 < free < 10**14


def test_a_machine_without_a_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch is not asked: loading it takes seconds."""
    monkeypatch.setattr("regtune.search.workers.slots.GPU_DRIVERS", ("/nowhere",))

    assert count_gpus() == 0
