"""Kill training processes at many moments, resume them, and compare with a run nobody disturbed.

Run by test_resume.py as a process of its own: it imports torch once and forks, so that a trial costs a second and not
ten. Usage: kill_harness.py FOLDER CONFIG RANDOM_KILLS KILLS_INSIDE_A_SAVE; prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from regtune.config import load_config
from regtune.run import open_run
from regtune.training.train import resume, train

PATIENCE_SECONDS = 60  # for one child; far more than a trial needs


def start(config_path: Path, output: Path) -> int:
    """Fork a child that trains into `output`."""
    process = os.fork()
    if process == 0:
        train(load_config(config_path, [f"output={output}"]), config_name="test")
        os._exit(0)
    return process


def started_training(output: Path) -> bool:
    """Whether run.json says so: from here on the run must be resumable."""
    return (output / "run.json").exists() and open_run(output).status == "running"


def wait_for(happened: object, process: int) -> bool:
    """Poll until `happened()` is true; False when the child ended before."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if happened():  # type: ignore[operator]
            return True
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
    raise TimeoutError


def is_saving(output: Path) -> bool:
    return any((output / "checkpoints").glob(".stage-*"))


def outcome(output: Path) -> dict[str, str]:
    """Digest of the final weights, and the history without its wall-clock column."""
    history = [json.loads(line) for line in (output / "history.jsonl").read_text().splitlines()]
    for record in history:
        del record["elapsed_seconds"]
    weights = (output / "best" / "model.safetensors").read_bytes()
    return {"weights": hashlib.sha256(weights).hexdigest(), "history": json.dumps(history)}


def main(folder: Path, config_path: Path, random_kills: int, kills_inside_a_save: int) -> None:
    torch.set_num_threads(1)
    began = time.monotonic()
    process = start(config_path, folder / "undisturbed")
    wait_for(lambda: started_training(folder / "undisturbed"), process)
    training_began = time.monotonic()
    os.waitpid(process, 0)
    duration = time.monotonic() - training_began
    expected = outcome(folder / "undisturbed")
    generator = random.Random(20261123)
    result = {"killed": 0, "killed_inside_a_save": 0, "too_late": 0, "identical": 0, "leftovers": []}
    for trial in range(random_kills + kills_inside_a_save):
        output = folder / f"trial-{trial}"
        process = start(config_path, output)
        running = wait_for(lambda output=output: started_training(output), process)
        if running and trial < random_kills:
            time.sleep(generator.uniform(0, 0.9 * duration))
        elif running:
            for _ in range(generator.randint(1, 4)):  # not always the first save
                running = wait_for(lambda output=output: is_saving(output), process)
                time.sleep(generator.uniform(0, 0.004))
        inside = is_saving(output)
        if os.waitpid(process, os.WNOHANG)[0]:
            result["too_late"] += 1
            continue
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        result["killed"] += 1
        result["killed_inside_a_save"] += inside
        resumed = os.fork()
        if resumed == 0:
            resume(open_run(output))
            os._exit(0)
        os.waitpid(resumed, 0)
        result["identical"] += outcome(output) == expected
        result["leftovers"] += [str(path) for path in output.rglob(".stage*")] + [
            str(p) for p in output.rglob(".trash*")
        ]
    print(json.dumps({**result, "seconds": time.monotonic() - began}))  # noqa: T201 the result


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
