"""What a worker does to its own process before it works, and how its errors travel."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from regtune.errors import ConfigError, EnvironmentFault, Interrupted, RegtuneError
from regtune.search.workers.child import Failure, device_name, enter
from tests.search.workers.fake_work import FakePlace


@pytest.mark.parametrize(
    ("visible", "gpu", "name"), [(None, 1, "1"), ("2,3", 1, "3"), ("GPU-8f1c, GPU-77aa", 1, "GPU-77aa"), ("5", 0, "5")]
)
def test_a_gpu_is_one_of_those_that_are_visible(visible: str | None, gpu: int, name: str) -> None:
    assert device_name(gpu, visible) == name


def test_a_worker_sees_its_gpu_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    enter(FakePlace(tmp_path, gpu=1, threads=2))

    assert (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]) == ("5", "2")


def test_torch_that_is_loaded_already_is_told_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    told: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")

    enter(FakePlace(tmp_path, threads=3))

    assert told == [3]


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("one", "two", hint="both"),
        EnvironmentFault("disk", hint=None),
        Interrupted("stopped", signal_number=signal.SIGTERM, hint="again"),
    ],
)
def test_an_error_arrives_as_it_was_raised(error: RegtuneError) -> None:
    arrived = pickle.loads(pickle.dumps(Failure.of(error))).error()

    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


@pytest.mark.slow
def test_what_the_fork_server_imports_leaves_cuda_alone() -> None:
    """A CUDA that is initialised before the fork is lost to the workers, and ignores their CUDA_VISIBLE_DEVICES."""
    code = """
import importlib, torch.cuda
from regtune.search.workers.fork_server import PRELOAD
def touched(*arguments): raise SystemExit("CUDA was initialised")
torch.cuda._lazy_init = touched
for name in PRELOAD: importlib.import_module(name)
print(torch.cuda.is_initialized())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout.strip(), done.stderr) == ("False", "")
