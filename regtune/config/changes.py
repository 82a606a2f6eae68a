"""Which keys differ between two configs. A resumed run must be the run it was."""

from __future__ import annotations

from typing import Any

from regtune.config.schema import Config
from regtune.errors import ConfigError


def differences(before: Config, after: Config) -> dict[str, tuple[Any, Any]]:
    """{dotted key: (before, after)} of every key whose value differs."""
    old, new = _flatten(before.model_dump()), _flatten(after.model_dump())
    return {key: (old.get(key), new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)}


def refuse_changes(stored: Config, asked: Config, *, run: str) -> None:
    """Raise ConfigError listing old and new when `asked` is not what the run was begun with; output is not compared."""
    changed = {key: values for key, values in differences(stored, asked).items() if key != "output"}
    if changed:
        raise ConfigError(
            *(f"{key}: the run was begun with {old}, now {new}" for key, (old, new) in changed.items()),
            hint=f"resume without changes (`regtune train --resume {run}`), or start a new run with another output=…",
        )


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
