"""Values of typed tables as what JSON has: dates are ISO 8601 text, decimals text, NaN is null; bytes stay bytes.

Columns of the `datasets` library keep their meaning: a ClassLabel becomes the name of the class, and null for -1, its
mark for "unknown"; an Image becomes its path, or {"bytes", "path"} where the picture itself is stored.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from typing import Any

from regtune.errors import DataError

Reader = Callable[[Any, str], Any]  # (value, where it stands, for messages) -> value


def reader_for(feature: Any) -> Reader:
    """What reads the values of a column. feature: of the datasets library, or None. Raises DataError while reading."""
    if feature is None:
        return lambda value, _: plain(value)
    from datasets import ClassLabel, Image, LargeList, List

    if isinstance(feature, ClassLabel) and feature.names is not None:
        return _class_name(feature.names)
    if isinstance(feature, Image):
        return lambda value, _: _image(value)
    if isinstance(feature, (List, LargeList)):
        return _each(reader_for(feature.feature))
    if isinstance(feature, dict):
        return _by_key({key: reader_for(inner) for key, inner in feature.items()})
    return lambda value, _: plain(value)


def plain(value: Any) -> Any:
    """The value as JSON has it; bytes stay bytes."""
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def _class_name(names: Sequence[str]) -> Reader:
    def read(value: Any, where: str) -> Any:
        if value is None or value == -1:
            return None
        if not 0 <= value < len(names):
            raise DataError(f"{where} holds class {value}, and names are given for 0 to {len(names) - 1}")
        return names[value]

    return read


def _image(value: Any) -> Any:
    return value["path"] if value is not None and value["bytes"] is None else value


def _each(read: Reader) -> Reader:
    return lambda values, where: None if values is None else [read(value, where) for value in values]


def _by_key(readers: dict[str, Reader]) -> Reader:
    return lambda values, where: None if values is None else {key: readers[key](values[key], where) for key in values}
