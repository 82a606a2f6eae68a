"""The run folder: what lies where, read and written so that a kill at any moment leaves it readable.

    config.yaml       the resolved config, trainable again as is
    environment.json  versions, device, platform
    data.json         file fingerprints, split by row hash, label names, counts
    history.jsonl     one line per evaluation (see regtune.history)
    predictions.csv   validation rows with the restored model's answer
    report.html       everything above, for people
    run.json          status and results; the only file that says how the run ended
    best/             the restored model, a plain `save_pretrained` folder
    checkpoints/      for `--resume`; gone when the run completed

Names inside the files are relative to the folder, so a run can be moved. Nothing in it is ever unpickled.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from regtune.errors import ConfigError, EnvironmentFault
from regtune.history import History

REPEATS = "repeats.json"  # in a folder of runs of one config, see `regtune.search.repeats.folder`
RUNS = Path("runs")  # where runs without an `output` go
LOCK = ".lock"  # all that a process killed during preparation leaves; it does not make a run

Status = Literal["created", "running", "interrupted", "diverged", "failed", "completed"]


class Run:
    """One run folder. path: the folder; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config_path(self) -> Path:
        return self.path / "config.yaml"

    @property
    def history_path(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def predictions_path(self) -> Path:
        return self.path / "predictions.csv"

    @property
    def report_path(self) -> Path:
        return self.path / "report.html"

    @property
    def best_path(self) -> Path:
        return self.path / "best"

    @property
    def checkpoints_path(self) -> Path:
        return self.path / "checkpoints"

    @property
    def facts(self) -> dict[str, Any]:
        """run.json: what was planned, how the run stands or ended, and its results."""
        return self.read_json("run.json")

    @property
    def status(self) -> Status:
        status: Status = self.facts["status"]
        return status

    @property
    def history(self) -> History:
        """The evaluations so far; empty before the first."""
        return History.from_jsonl(self.history_path.read_text("utf-8")) if self.history_path.exists() else History()

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder. Raises EnvironmentFault naming it when it is missing or torn."""
        path = self.path / name
        try:
            value = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise EnvironmentFault(f"{path}: missing, so {self.path} is not a complete run folder") from None
        except (ValueError, OSError) as error:
            raise EnvironmentFault(f"{path}: cannot be read ({error})") from None
        if not isinstance(value, dict):
            raise EnvironmentFault(f"{path}: cannot be read (no JSON object)")
        return value

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        write_text(self.path / name, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def update(self, **changes: Any) -> None:
        """Change keys of run.json, keeping the others."""
        facts = self.facts if (self.path / "run.json").exists() else {}
        self.write_json("run.json", {**facts, **changes})

    def write_history(self, history: History) -> None:
        write_text(self.history_path, history.to_jsonl())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one process. The kernel lets go when the process dies, however it dies.

        Raises EnvironmentFault naming the holder when another process has it.
        """
        with open(self.path / LOCK, "a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise EnvironmentFault(
                    f"{self.path}: in use by {holder}",
                    hint="wait for it to end, or choose another folder with output=…",
                ) from None
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()}")
            lock.flush()
            yield


def create_run(output: str | None, *, config_name: str) -> Run:
    """Make a new, empty run folder; an existing one is never written to.

    output None: runs/<config_name>, or the first free of -2, -3, … . Raises ConfigError when `output` exists and is
    not empty, EnvironmentFault when the folder cannot be made or written.
    """
    path = Path(output) if output is not None else _first_free(RUNS / safe_name(config_name))
    if path.is_symlink() or path.is_file() or (path.is_dir() and any(found.name != LOCK for found in path.iterdir())):
        raise ConfigError(
            f"output: {path} already exists and is never overwritten",
            hint="choose another output=…"
            + (f", or continue it with `regtune train --resume {path}`" if _can_resume(path) else ""),
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise EnvironmentFault(
            f"output: cannot write to {path} ({error.strerror})", hint="choose another output=…"
        ) from None
    return Run(path)


def open_run(path: str | Path) -> Run:
    """An existing run folder. Raises ConfigError naming what is missing."""
    run = Run(Path(path))
    if not run.path.is_dir():
        raise ConfigError(f"{path}: no such run folder", hint="`regtune runs` lists the runs")
    if not (run.path / "run.json").is_file():
        raise ConfigError(f"{path}: not a run folder (no run.json)", hint="`regtune runs` lists the runs")
    return run


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: after a kill or a full disk it holds the old text or the new, never half."""
    stage = path.with_name(f".stage-{path.name}")
    with open(stage, "w", encoding="utf-8", newline="") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(stage, path)


def discard(run: Run) -> None:
    """Remove a run that never began. A folder that cannot go (a mount point, say) is left empty."""
    for path in run.path.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with contextlib.suppress(OSError):
        run.path.rmdir()
        if run.path.parent == RUNS:
            RUNS.rmdir()  # fails, and stays, when it holds anything else


def remove_leftovers(run: Run) -> None:
    """Delete staging files and folders that a killed process left behind; everything unfinished is named so."""
    for path in [*run.path.rglob(".stage-*"), *run.checkpoints_path.glob(".trash-*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _can_resume(path: Path) -> bool:
    return any((path / name).exists() for name in ("run.json", REPEATS))


def safe_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:100] or "run"


def _first_free(path: Path) -> Path:
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def list_runs(folder: str | Path = "runs") -> list[Run]:
    """The runs directly inside a folder and inside its folders of repeats, by name; one without run.json is no run."""
    places = [Path(folder), *(path.parent for path in Path(folder).glob(f"*/{REPEATS}"))]
    return [Run(path.parent) for path in sorted(path for place in places for path in place.glob("*/run.json"))]
