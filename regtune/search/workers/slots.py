"""How many workers this machine can take, and with how many threads each: from its GPUs, cores and free memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from regtune.errors import ConfigError

CONTROL_GROUP = Path("/sys/fs/cgroup")  # version 2: the limits of a container, a Slurm job or a systemd unit
GPU_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' Linux: without one torch need not look

# Measured on minilm (22.7 million parameters), full fine-tuning on one thread: private memory of a warm worker at its
# highest 782 MB with batches of 16 rows of 45 tokens, 1,020 MB with 32; tiny 221 MB.
PROCESS_BYTES = 200_000_000  # of a worker beside model and batch; what the fork server has imported is shared
TRAINED_BYTES = 16  # per parameter: weight, gradient and AdamW's two moments, float32
FROZEN_BYTES = 4
ACTIVATION_BYTES = 0.0135  # per parameter and token of a batch: (782 − 200 − 363) MB / (22.7e6 · 16 · 45)


class Seats(NamedTuple):
    """What to start. note: why it is fewer than asked for or may not fit; None: nothing to say."""

    workers: int
    threads_each: int
    note: str | None


def count_workers(
    asked: int | Literal["auto"],
    *,
    gpus: int,
    cores: int,
    memory_free: int | None,
    memory_per_worker: int,
    jobs: int,
) -> Seats:
    """auto: one worker per GPU, or per core where there is none, as far as memory goes; always at least one.

    gpus: those that training may use. memory in bytes, of the machine, not of GPUs; None: unknown, taken as enough.
    jobs: those left to do, ≥ 1; more workers would have nothing to do. Raises ConfigError for more workers than GPUs.
    """
    fits = sys.maxsize if memory_free is None else memory_free // memory_per_worker
    if asked == "auto":
        wanted = gpus or cores
        workers = max(min(wanted, fits, jobs), 1)
        note = _too_little_memory(wanted, memory_free, memory_per_worker) if fits < min(wanted, jobs) else None
        return Seats(workers, max(cores // workers, 1), note)
    if 0 < gpus < asked:
        raise ConfigError(
            f"sweep.workers: must be at most the number of GPUs, {gpus}, got {asked}",
            hint=f"a GPU is not shared: sweep.workers={gpus}, or training.device=cpu",
        )
    workers = min(asked, jobs)
    note = None
    if workers < asked:
        note = f"{workers} instead of {asked} workers: no more jobs are left"
    elif fits < workers:
        note = _too_little_memory(workers, memory_free, memory_per_worker)
    return Seats(workers, max(cores // workers, 1), note)


def _too_little_memory(workers: int, free: int | None, each: int) -> str:
    assert free is not None, "unknown memory is taken as enough"
    return f"{workers} workers would need about {workers * each / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"


def memory_per_worker(*, trained: int, frozen: int, tokens: int) -> int:
    """A careful guess in bytes. trained, frozen: parameters; tokens: of one batch, rows × longest input."""
    activations = ACTIVATION_BYTES * (trained + frozen) * tokens
    return int(PROCESS_BYTES + TRAINED_BYTES * trained + FROZEN_BYTES * frozen + activations)


def count_gpus() -> int:
    """GPUs that CUDA_VISIBLE_DEVICES leaves. Makes no CUDA context; loads torch only where there is a driver."""
    if not any(Path(driver).exists() for driver in GPU_DRIVERS):
        return 0
    import torch

    return torch.cuda.device_count()


def count_cores() -> int:
    """Cores this process may use: by its affinity (taskset, Slurm) and by the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(min(cores, core_quota(read_limit("cpu.max"))), 1)


def core_quota(limit: str | None) -> int:
    """Whole cores of a control group's cpu.max, "quota period" in microseconds, "max" or None for no limit."""
    if limit is None or limit.startswith("max"):
        return sys.maxsize
    quota, period = limit.split()
    return int(quota) // int(period)


def free_memory() -> int | None:
    """Bytes that can be used without swapping, in the machine and in the container; None: not known here."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    machine = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return min(machine, memory_quota(read_limit("memory.max"), read_limit("memory.current")))


def memory_quota(limit: str | None, used: str | None) -> int:
    """Bytes left of a control group's memory.max. used counts cached files too, so this is careful."""
    if limit is None or used is None or limit == "max":
        return sys.maxsize
    return max(int(limit) - int(used), 0)


def read_limit(name: str) -> str | None:
    """A file of this process's control group; None where there is none, or no version 2."""
    try:
        group = Path("/proc/self/cgroup").read_text("utf-8").strip().rpartition("::")[2]
        return (CONTROL_GROUP / group.lstrip("/") / name).read_text("ascii").strip()
    except OSError:
        return None
