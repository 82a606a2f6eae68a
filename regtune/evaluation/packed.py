"""A model's answers as one short text, for a checkpoint or a database: JSON and raw numbers, compressed; no pickle."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regtune.evaluation.answers import Answered


def pack(answered: Answered) -> str:
    """Printable ASCII; `unpack` gives the same answers back, every number bit for bit."""
    document = {
        "answers": _pack_column(answered.answers),
        "labels": _pack_column(answered.labels),
        "losses": _pack_array(answered.losses),
        "units": _pack_array(answered.units),
        "threshold": answered.threshold,
        "baseline": answered.baseline,
    }
    return base64.b85encode(zlib.compress(json.dumps(document).encode())).decode()


def unpack(text: str) -> Answered:
    """The inverse of `pack`. Raises ValueError on anything else."""
    try:
        document = json.loads(zlib.decompress(base64.b85decode(text)))
        return Answered(
            answers=_unpack_column(document["answers"]),
            labels=_unpack_column(document["labels"]),
            losses=_unpack_array(document["losses"]),
            units=_unpack_array(document["units"]),
            threshold=document["threshold"],
            baseline=document["baseline"],
        )
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"no packed answers: {error}") from None


def _pack_column(values: Sequence[Any] | NDArray[Any]) -> dict[str, Any]:
    """Rows of equal shape as one array, others (texts, tags, none) row by row."""
    rows = list(values)
    arrays = [np.asarray(row) for row in rows]
    is_numeric = all(array.dtype.kind in "biuf" for array in arrays)
    if is_numeric and len({(array.shape, array.dtype.str) for array in arrays}) == 1:
        return _pack_array(np.stack(arrays))
    return {"rows": [row.tolist() if isinstance(row, np.ndarray) else row for row in rows]}


def _unpack_column(column: dict[str, Any]) -> Sequence[Any] | NDArray[Any]:
    rows: Sequence[Any] | NDArray[Any] = column["rows"] if "rows" in column else _unpack_array(column)
    return rows


def _pack_array(array: NDArray[Any]) -> dict[str, Any]:
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return {
        "type": little.dtype.str,
        "shape": list(array.shape),
        "data": base64.b85encode(little.tobytes()).decode(),
    }


def _unpack_array(document: dict[str, Any]) -> NDArray[Any]:
    data = base64.b85decode(document["data"])
    array: NDArray[Any] = np.frombuffer(data, dtype=np.dtype(document["type"])).reshape(document["shape"])
    return array
