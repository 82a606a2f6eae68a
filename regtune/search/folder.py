"""The folder of a sweep or an ablation on one machine.

sweep.yaml     what was asked, resolved; ablation.yaml for an ablation
sweep.db       the study, unless it lies in a database elsewhere
trials/        a folder per job: config, curve, and a checkpoint while it runs
workers.log    what libraries printed in the workers; only there if they printed anything
result.json    verdict, final table and all else that was found
best.yaml      the recommended config, of a sweep
report.html    the same for people
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from regtune.errors import ConfigError, EnvironmentFault
from regtune.run import RUNS

MARKS = ("sweep.yaml", "ablation.yaml", "sweep.db")  # any of them makes a folder ours
RESULT = "result.json"
BEST = "best.yaml"
REPORT = "report.html"


def make_folder(path: Path) -> bool:
    """Make the folder, or find it as an earlier start left it; one of anything else is not touched. True: it is new.

    Raises what `check_folder` raises, and EnvironmentFault when it cannot be made.
    """
    is_new = check_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"output: cannot make {path} ({error.strerror})", hint="choose another output=…"
        ) from None
    return is_new


def check_folder(path: Path) -> bool:
    """Whether it would be new. Raises ConfigError when it holds something else than a sweep or an ablation."""
    is_new = not path.is_dir() or not any(path.iterdir())
    if path.is_symlink() or path.is_file() or not (is_new or is_ours(path)):
        raise ConfigError(
            f"output: {path} already exists, is no sweep's folder and is never overwritten",
            hint="choose another output=…",
        )
    return is_new


def remove_folder(path: Path) -> None:
    """Of a study that never began; runs/ too, where nothing else is in it."""
    shutil.rmtree(path, ignore_errors=True)
    if path.parent == RUNS:
        with contextlib.suppress(OSError):
            RUNS.rmdir()


def is_ours(path: Path) -> bool:
    return any((path / mark).is_file() for mark in MARKS)
