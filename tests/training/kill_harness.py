"""Kill training processes at many moments, resume them, and compare with a run nobody disturbed.

Run by test_resume.py as a process of its own: it imports torch once and forks, so that a trial costs a second and not
ten. Usage: kill_harness.py FOLDER CONFIG; prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from regtune.config import load_config
from regtune.run import open_run
from regtune.training.listener import Listener, Plan
from regtune.training.train import resume, train

RANDOM_KILLS = 9
FATAL_CALLS = (2, 16, 29, 40)  # a save flushes eight files and its folder, then renames it: each in another save
KILLS = RANDOM_KILLS + len(FATAL_CALLS)
PATIENCE_SECONDS = 60  # for one child; far more than a trial needs


def start(work: Callable[[], object]) -> BaseProcess:
    """Do something in a forked child."""
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    return child


def wait_for(happened: Callable[[], bool], child: BaseProcess) -> None:
    """Poll until it happened or the child ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened() and child.is_alive():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.0005)


def started_training(output: Path) -> bool:
    """Whether run.json says so: from here on the run must be resumable."""
    return (output / "run.json").exists() and open_run(output).status == "running"


def is_saving(output: Path) -> bool:
    return any((output / "checkpoints").glob(".stage-*"))


def die_inside_a_save(output: Path, fatal_call: int) -> None:
    """Kill this process where a save of the run is about to flush or rename for the n-th time, counted over saves."""
    calls = 0

    def deadly(function: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            nonlocal calls
            calls += is_saving(output)
            if calls == fatal_call:
                os.kill(os.getpid(), signal.SIGKILL)
            function(*arguments)

        return call

    os.fsync, os.rename = deadly(os.fsync), deadly(os.rename)


def outcome(output: Path) -> dict[str, str]:
    """Digest of the final weights, and the history without its wall-clock column."""
    history = [json.loads(line) for line in (output / "history.jsonl").read_text().splitlines()]
    for record in history:
        del record["elapsed_seconds"]
    weights = (output / "best" / "model.safetensors").read_bytes()
    return {"weights": hashlib.sha256(weights).hexdigest(), "history": json.dumps(history)}


class Stopwatch(Listener):
    """How long a run trains, preparation left out."""

    def on_start(self, plan: Plan) -> None:
        self.began = time.monotonic()

    def on_end(self) -> None:
        self.seconds = time.monotonic() - self.began


def kill_at_random(output: Path, config_path: Path, delay_seconds: float) -> bool:
    """Train and kill so long after training began; False when it ended before."""
    child = start(partial(train_into, output, config_path))
    wait_for(lambda: started_training(output), child)
    time.sleep(delay_seconds)
    child.kill()
    child.join()
    return child.exitcode == -signal.SIGKILL


def kill_inside_a_save(output: Path, config_path: Path, fatal_call: int) -> bool:
    """Train and kill at a call that a save makes; False when no save came to it."""

    def work() -> None:
        die_inside_a_save(output, fatal_call)
        train_into(output, config_path)

    child = start(work)
    child.join()
    return child.exitcode == -signal.SIGKILL


def train_into(output: Path, config_path: Path, listeners: Sequence[Listener] = ()) -> None:
    train(load_config(config_path, [f"output={output}"]), config_name="test", listeners=listeners)


def main(folder: Path, config_path: Path) -> None:
    torch.set_num_threads(1)
    began = time.monotonic()
    stopwatch = Stopwatch()
    train_into(folder / "undisturbed", config_path, [stopwatch])  # here, not in a child: its imports serve all others
    expected = outcome(folder / "undisturbed")

    generator = random.Random(20261123)
    delays = [generator.uniform(0, 0.8 * stopwatch.seconds) for _ in range(RANDOM_KILLS)]
    kills = [partial(kill_at_random, delay_seconds=delay) for delay in delays]
    kills += [partial(kill_inside_a_save, fatal_call=call) for call in FATAL_CALLS]
    result = {"killed": 0, "killed_inside_a_save": 0, "too_late": 0, "identical": 0, "leftovers": 0}
    for trial, kill in enumerate(kills):
        output = folder / f"trial-{trial}"
        if not kill(output, config_path):
            result["too_late"] += 1
            continue
        result["killed"] += 1
        result["killed_inside_a_save"] += is_saving(output)
        resumed = start(partial(resume, open_run(output)))
        resumed.join()
        result["identical"] += outcome(output) == expected
        result["leftovers"] += sum(1 for pattern in (".stage*", ".trash*") for _ in output.rglob(pattern))
    print(json.dumps({**result, "seconds": time.monotonic() - began}))  # noqa: T201 the result


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
