"""Where an ablation lies."""

from __future__ import annotations

from pathlib import Path

from regtune.config.schema import Config
from regtune.run import RUNS, safe_name

SUFFIX = "-ablation"


def ablation_folder(config: Config, *, config_name: str) -> Path:
    """Beside the run that the same config trains: its output, or runs/<config name>, and a suffix."""
    place = Path(config.output) if config.output else RUNS / safe_name(Path(config_name).stem)
    return place.with_name(place.name + SUFFIX)
