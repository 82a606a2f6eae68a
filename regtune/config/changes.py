"""The config a run keeps, and which keys differ from it. A resumed run must be the run it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regtune.config import folds
from regtune.config.document import Document, Plain
from regtune.config.overrides import set_key
from regtune.config.schema import Config, ModelSettings
from regtune.config.validate import validate
from regtune.errors import ConfigError

DATA_FILES = ("train", "validation", "test")
NO_PATHS = ("demo:", "hf:", folds.PREFIX)


def anchored(config: Config) -> Config:
    """The config as a run folder keeps it: absolute paths, no output folder; trainable again as is, from anywhere."""
    files = {key: _absolute(source) for key, source in config.data.model_dump().items() if key in DATA_FILES}
    data = config.data.model_copy(update=files)
    named = config.model_settings
    name = _absolute(named.name) if Path(named.name).is_dir() else named.name
    model = name if named == ModelSettings(name=named.name) else named.model_copy(update={"name": name})
    return config.model_copy(update={"data": data, "model": model, "output": None})


def differences(before: Config, after: Config) -> dict[str, tuple[Any, Any]]:
    """{dotted key: (before, after)} of every key whose value differs."""
    old, new = _flatten(before.model_dump()), _flatten(after.model_dump())
    return {key: (old.get(key), new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)}


def with_changes(config: Config, changes: Mapping[str, Plain]) -> Config:
    """The config with dotted keys set to other values. Raises ConfigError as for the same keys in a file."""
    document = Document(name="config", values=config.model_dump(exclude_unset=True), lines={})
    for key, value in changes.items():
        document = set_key(document, tuple(key.split(".")), value)
    return validate(document)


def value_at(config: Config, key: str) -> Plain:
    """The value of a dotted key; of a section where one number may stand for it, the whole section."""
    value: Plain = {**config.model_dump(), "model": config.model_settings.model_dump()}
    if key == "model":
        return config.model_settings.name
    for part in key.split("."):
        assert isinstance(value, dict), f"{key} lies inside a single value"
        value = value[part]
    return value


def refuse_changes(stored: Config, asked: Config, *, run: str) -> None:
    """Raise ConfigError listing old and new when `asked` is not what the run was begun with; output is not compared."""
    changed = differences(anchored(stored), anchored(asked))
    if changed:
        raise ConfigError(
            *(f"{key}: the run was begun with {old}, now {new}" for key, (old, new) in changed.items()),
            hint=f"resume without changes (`regtune train --resume {run}`), or start a new run with another output=…",
        )


def _absolute(source: Any) -> Any:
    if not isinstance(source, str) or source.startswith(NO_PATHS):  # a share, or a name that is no path
        return source
    is_place = Path(source).exists() or any(sign in source for sign in "*?[")  # a pattern stands for several files
    return os.path.abspath(source) if is_place else source


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
