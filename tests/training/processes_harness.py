"""Runs in several processes, and the same ones in one, for test_processes.py to compare.

A process of its own: it imports torch once and forks the processes of each run, with the environment that a launcher
gives them, so that a run costs a second and not ten. Usage: processes_harness.py FOLDER CONFIG; writes results.json
into the folder: what each process of each scenario answered, by rank.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from regtune.cli import run_command_line
from regtune.config import load_config
from regtune.errors import DataError, RegtuneError
from regtune.run import open_run
from regtune.training import launch
from regtune.training import train as story
from regtune.training.listener import Listener
from regtune.training.train import resume, train
from regtune.training.trainer import RegtuneTrainer

PATIENCE_SECONDS = 120  # for one scenario; far more than it needs
Work = Callable[[int], Any]  # takes the rank


def in_processes(count: int, folder: Path, work: Work) -> list[dict[str, Any]]:
    """What `work` returned or raised in each of `count` forked processes, its exit code and its standard error."""
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=one_process, args=(count, rank, port, folder, work)) for rank in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(PATIENCE_SECONDS)
        child.kill()
    return [json.loads((folder / f"answer-{rank}.json").read_text()) for rank in range(count)]


def one_process(count: int, rank: int, port: int, folder: Path, work: Work) -> None:
    os.environ.update(
        WORLD_SIZE=str(count),
        RANK=str(rank),
        LOCAL_WORLD_SIZE=str(count),
        LOCAL_RANK=str(rank),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )
    spoken = folder / f"stderr-{rank}.txt"
    os.dup2(os.open(spoken, os.O_WRONLY | os.O_CREAT), 2)
    try:
        answer = {"value": work(rank)}
    except RegtuneError as error:
        answer = {"error": str(error), "exit_code": error.exit_code, "kind": type(error).__name__}
    (folder / f"answer-{rank}.json").write_text(json.dumps({**answer, "stderr": spoken.read_text()}))


# ---- what the processes do -------------------------------------------------------------------------------------------


def train_into(output: Path, config_path: Path, *changes: str, listener: Listener | None = None) -> str:
    config = load_config(config_path, [f"output={output}", *changes])
    return str(train(config, config_name="test", listeners=[listener or Listener()]).path)


def gradient_norms(output: Path, config_path: Path) -> list[float]:
    """Of every step of an epoch whose last batch is one row; batches in pairs, not clipped: the scale is seen."""
    norms = []
    original = RegtuneTrainer._get_grad_norm

    def recorded(self: RegtuneTrainer, model: torch.nn.Module, grad_norm: Any = None) -> float:
        norms.append(original(self, model, grad_norm))
        return norms[-1]

    RegtuneTrainer._get_grad_norm = recorded  # type: ignore[method-assign] # undone below
    try:
        train_into(output, config_path, "training.epochs=1", "training.accumulation=2", "training.clip_norm=null")
    finally:
        RegtuneTrainer._get_grad_norm = original  # type: ignore[method-assign]
    return norms


def fail_in_second(rank: int, output: Path, config_path: Path) -> str:
    def prepare(config: object) -> None:
        raise DataError("rows.csv:3: only the second process sees this")

    if rank == 1:
        story.prepare = prepare  # type: ignore[assignment] # in a process of its own
    return train_into(output, config_path)


def misspelled_key(config_path: Path) -> int:
    launch.SPEAKING_SECONDS = 0.1  # no launcher will call the silent process back
    return run_command_line(["train", str(config_path), "regularization.dropot=0.1"])


class OutOfMemoryInSecond(Listener):
    """What torch raises, in the middle of training, in one process."""

    def __init__(self, rank: int) -> None:
        if rank == 1:
            RegtuneTrainer.compute_loss = self.fail  # type: ignore[method-assign] # in a process of its own

    def fail(self, *_: object, **__: object) -> None:
        raise torch.OutOfMemoryError


class StopSecond(Listener):
    """Sends the second process a signal after a step, as a scheduler would to one machine."""

    def __init__(self, rank: int, step: int) -> None:
        self.rank, self.at = rank, step

    def on_step(self, step: int, objective: float) -> None:
        if self.rank == 1 and step == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


def main(folder: Path, config: Path) -> None:
    torch.set_num_threads(1)
    results: dict[str, Any] = {"one": train_into(folder / "one", config)}  # its imports serve all others
    results["two"] = in_processes(2, folder / "two-", lambda _: train_into(folder / "two", config))
    results["norms of one"] = gradient_norms(folder / "norms-one", config)
    results["norms of three"] = in_processes(
        3, folder / "norms-three-", lambda _: gradient_norms(folder / "norms-three", config)
    )
    results["data error"] = in_processes(
        2, folder / "data-error-", lambda rank: fail_in_second(rank, folder / "data-error", config)
    )
    results["config error"] = in_processes(2, folder / "config-error-", lambda _: misspelled_key(config))
    results["few rows"] = in_processes(
        2, folder / "few-rows-", lambda _: train_into(folder / "few-rows", config, "training.batch_size=1")
    )
    results["no memory"] = in_processes(
        2,
        folder / "no-memory-",
        lambda rank: train_into(folder / "no-memory", config, listener=OutOfMemoryInSecond(rank)),
    )
    dropout = ("regularization.dropout=0.3", "training.epochs=2")
    results["undisturbed"] = in_processes(
        2, folder / "undisturbed-", lambda _: train_into(folder / "undisturbed", config, *dropout)
    )
    results["stopped"] = in_processes(
        2,
        folder / "stopped-",
        lambda rank: train_into(folder / "stopped", config, *dropout, listener=StopSecond(rank, 8)),
    )
    results["resumed"] = in_processes(2, folder / "resumed-", lambda _: str(resume(open_run(folder / "stopped")).path))
    (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
