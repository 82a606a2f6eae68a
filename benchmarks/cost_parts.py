"""What both halves of sweep_cost.py share: its processes, the config of its sweeps, how figures are printed."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("sweep_cost.py")
Seconds = dict[str, float]  # by "wall" and "cpu"


@dataclass(frozen=True)
class Measuring:
    """model: minilm or tiny. train: the 200 rows. folder: of everything."""

    rounds: int
    model: str
    train: Path
    folder: Path

    def config(self, *, epochs: int) -> dict[str, Any]:
        """The base config of all sweeps; patience is off."""
        return {
            "task": "text-classification",
            "model": self.model,
            "data": {"train": str(self.train), "text": "text", "label": "label", "max_length": 64},
            "regularization": {"dropout": 0.1, "weight_decay": 0.01, "smoothing": 0.1, "patience": None},
            "training": {"epochs": epochs, "batch_size": 16, "learning_rate": 1.5e-4, "device": "cpu"},
        }


def run_here(*arguments: str) -> Seconds:
    """sweep_cost.py in another process: seconds from its start to its end, and of its CPU time with its children's."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], env=environment, capture_output=True, text=True)
    wall = time.monotonic() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu}


def line(name: str, values: list[Seconds], goal: str = "") -> None:
    columns = "".join(f"{spread([value[clock] for value in values]):>26}" for clock in ("wall", "cpu"))
    print(f"{name:<38}{columns}{'   goal ' + goal if goal else ''}")


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} ({min(values):.2f} to {max(values):.2f})"


def wide(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"
