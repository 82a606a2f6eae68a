"""The folder of a sweep or an ablation on one machine.

    sweep.yaml     what was asked, resolved; trainable and sweepable again as it is
    sweep.db       the study, unless it lies in a database elsewhere
    trials/        a folder per job: config, curve, and a checkpoint while it runs
    workers.log    what libraries printed in the workers; only there if they printed anything
    result.json    verdict, final table and all else that was found
    best.yaml      the recommended config
    report.html    the same for people
"""

from __future__ import annotations

from pathlib import Path

from regtune.errors import ConfigError, EnvironmentFault

MARK = "sweep.yaml"  # makes a folder a sweep's
ASKED = MARK
RESULT = "result.json"
BEST = "best.yaml"
REPORT = "report.html"


def make_folder(path: Path) -> None:
    """Make the folder, or find it as an earlier start of the same sweep left it; of anything else it is not touched.

    Raises ConfigError when it holds something else, EnvironmentFault when it cannot be made.
    """
    if path.is_symlink() or path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / MARK).is_file()):
        raise ConfigError(
            f"output: {path} already exists, holds something else than a sweep and is never overwritten",
            hint="choose another output=…",
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"output: cannot make {path} ({error.strerror})", hint="choose another output=…"
        ) from None


def is_sweep(path: Path) -> bool:
    return (path / MARK).is_file()
