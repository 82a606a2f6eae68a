"""Checkpoints that survive a kill at any moment and never resume wrongly.

A save writes into `.stage-<process>`, flushes every file to the disk, writes MANIFEST.json last (size and SHA-256 of
every file), renames the folder to `step-00000042` and only then removes old ones. A load takes the newest folder whose
manifest verifies; a torn or altered one is renamed to `bad-step-…`, named, and skipped for the one before it.
Tensors are safetensors, everything else is JSON: nothing is unpickled. The hashes detect damage, not a forger who also
rewrites the manifest.

The Trainer writes its own checkpoints in place: killed at one of the 62 file operations of a save, 36 leave a run that
cannot resume or resumes with other weights. That is why this file exists.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from regtune.digest import file_sha256
from regtune.errors import EnvironmentFault

MANIFEST = "MANIFEST.json"
KEPT_LATEST = 2  # one to resume from, one in case that one turns out damaged


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint folder."""

    path: Path
    step: int

    def tensors(self, name: str) -> dict[str, Tensor]:
        return load_file(self.path / f"{name}.safetensors")

    @property
    def processes(self) -> int:
        """How many processes the run had then; each has its own random state."""
        return sum(name.startswith("cpu.") for name in self.tensors("random"))

    def document(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.path / f"{name}.json").read_text("utf-8"))
        return document


class CheckpointStore:
    """The `checkpoints/` folder of one run; one process at a time (the run's lock sees to that)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        step: int,
        *,
        tensors: Mapping[str, dict[str, Tensor]],
        documents: Mapping[str, dict[str, Any]],
        best_step: int | None,
    ) -> Checkpoint:
        """Write one checkpoint and drop those no longer needed. best_step: its checkpoint is never dropped.

        Raises EnvironmentFault when the disk is full or fails; earlier checkpoints are then untouched.
        """
        stage = self.folder / f".stage-{os.getpid()}"
        final = self.folder / _name(step)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir()
            for name, group in tensors.items():
                save_file(group, stage / f"{name}.safetensors")
            for name, document in documents.items():
                (stage / f"{name}.json").write_text(json.dumps(document, allow_nan=False), "utf-8")
            files = {path.name: _fingerprint(path) for path in sorted(stage.iterdir())}
            manifest = {"step": step, "best_step": best_step, "files": files}
            (stage / MANIFEST).write_text(json.dumps(manifest), "utf-8")
            for path in [*sorted(stage.iterdir()), stage]:
                _flush(path)
            if final.exists():  # the same step again, after a resume evaluated what an interruption had left out
                self._discard(final)
            os.rename(stage, final)
            _flush(self.folder)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(stage, ignore_errors=True)
            raise EnvironmentFault(
                f"{final}: checkpoint could not be written ({error}); earlier checkpoints are intact",
                hint=f"free some disk space, then `regtune train --resume {self.folder.parent}`",
            ) from None
        self._rotate(protected=best_step)
        return Checkpoint(final, step)

    def at(self, step: int) -> Checkpoint:
        """The checkpoint of one step. Raises EnvironmentFault when it is missing or damaged."""
        path = self.folder / _name(step)
        damage = find_damage(path)
        if damage is not None:
            raise EnvironmentFault(f"{path}: {damage}")
        return Checkpoint(path, step)

    def newest(self, *, on_damage: Callable[[str], None]) -> Checkpoint | None:
        """The newest intact checkpoint, None when there is none. on_damage hears of each one that was set aside."""
        for step, path in reversed(self._all()):
            damage = find_damage(path) or self._damage_of_best(path)
            if damage is None:
                return Checkpoint(path, step)
            aside = path.with_name(f"bad-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            os.rename(path, aside)
            on_damage(f"{path}: {damage}; set aside as {aside.name}, looking for one before it")
        return None

    def _damage_of_best(self, path: Path) -> str | None:
        """Why an intact checkpoint is of no use: the one with the best weights so far, which it counts on, is not."""
        best_step = json.loads((path / MANIFEST).read_text("utf-8"))["best_step"]
        damage = None if best_step is None else find_damage(self.folder / _name(best_step))
        return None if damage is None else f"needs the best weights of {_name(best_step)}, but there {damage}"

    def remove_all(self) -> None:
        """For a completed run: the best weights now live in best/."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _all(self) -> list[tuple[int, Path]]:
        if not self.folder.is_dir():
            return []
        found = [(re.fullmatch(r"step-(\d{8,})", path.name), path) for path in self.folder.iterdir()]
        return sorted((int(match[1]), path) for match, path in found if match)

    def _rotate(self, *, protected: int | None) -> None:
        # By step number, never by time stamp: copying or touching a run must not change what survives.
        for step, path in self._all()[:-KEPT_LATEST]:
            if step != protected:
                self._discard(path)

    def _discard(self, path: Path) -> None:
        trash = path.with_name(f".trash-{path.name}")
        shutil.rmtree(trash, ignore_errors=True)
        os.rename(path, trash)  # from here on it is no checkpoint, even if the deletion is cut short
        shutil.rmtree(trash)


def find_damage(path: Path) -> str | None:
    """What is wrong with a checkpoint folder, in a few words; None when every file is as it was written."""
    try:
        manifest = json.loads((path / MANIFEST).read_text("utf-8"))
        step, expected = int(manifest["step"]), dict(manifest["files"])
        best_step = manifest["best_step"]
    except FileNotFoundError:
        return f"{MANIFEST} is missing, the save was cut short"
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return f"{MANIFEST} is damaged"
    if not (best_step is None or (isinstance(best_step, int) and 0 <= best_step <= step)):
        return f"{MANIFEST} is damaged"
    if _name(step) != path.name:
        return f"holds step {step}, not the step in its name"
    found = {file.name for file in path.iterdir()} - {MANIFEST}
    for name in sorted(found | set(expected)):
        if name not in found:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} is not in {MANIFEST}"
        try:
            is_as_written = _fingerprint(path / name) == expected[name]
        except OSError as error:
            return f"{name} cannot be read ({error.strerror})"
        if not is_as_written:
            return f"{name} was altered (size or SHA-256 differs from {MANIFEST})"
    return None


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
