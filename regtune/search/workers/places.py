"""What a worker on another machine may set for itself: where things lie, never what is trained."""

from __future__ import annotations

from collections.abc import Sequence

from regtune.config.document import Plain
from regtune.config.overrides import parse_override
from regtune.config.wording import show_path
from regtune.errors import ConfigError

ALLOWED = ("data.train", "data.validation", "data.test", "model", "model.name", "training.device")


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
