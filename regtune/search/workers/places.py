"""What differs from machine to machine: where a worker finds data, model and its folder; never what it trains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from regtune.config.document import Plain
from regtune.config.overrides import parse_override
from regtune.config.wording import show_path
from regtune.errors import ConfigError

ALLOWED = ("data.train", "data.validation", "data.test", "model", "model.name", "training.device")


def folder_here(folder: Path, study_name: str) -> Path:
    """Where a worker's trials lie on this machine: the sweep's folder where it can be seen, else one in the cache.

    A trial that another machine takes over goes on from its checkpoint if the folder is shared, else from its start.
    """
    return folder if folder.is_dir() else Path.home() / ".cache" / "regtune" / re.sub(r"[^\w.-]", "_", study_name)


def overrides_here(texts: Sequence[str]) -> dict[str, Plain]:
    """{dotted key: value} of "data.train=/data/tickets.csv" and the like.

    Raises ConfigError for a key that does not say where something lies: trials with other settings are not comparable.
    """
    found: dict[str, Plain] = {}
    problems: list[str] = []
    for text in texts:
        try:
            path, value = parse_override(text)
        except ConfigError as error:
            problems += error.problems
            continue
        key = show_path(path)
        if key not in ALLOWED:
            problems.append(f"command line: {key}: is the same for every worker of a sweep, it cannot be set here")
        elif key in found:
            problems.append(f"command line: {key}: set twice")
        else:
            found[key] = value
    if problems:
        raise ConfigError(*problems, hint=f"allowed are {', '.join(ALLOWED)}: where things lie on this machine")
    return found
