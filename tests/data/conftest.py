"""One way from the bytes of a file to its rows and notes, for every test that asks what reading a file says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regtune.config.schema import DataSettings
from regtune.data.dataset import load_splits
from regtune.tasks import TASKS


@dataclass(frozen=True)
class Read:
    """rows: (line, text, label) of all sides, in the order of their lines. notes: without those on chosen columns."""

    rows: list[tuple[int, str, str]]
    notes: list[str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(text, label) for _, text, label in self.rows]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Read]:
    """Write a file (content None: it is there already) and load it as training rows, half held out for validation."""

    def read(file_name: str, content: bytes | None, **settings: Any) -> Read:
        path = tmp_path / file_name
        if content is not None:
            path.write_bytes(content)
        asked = DataSettings(**{"train": str(path), "validation": 0.5, **settings})
        splits = load_splits(asked, rules=TASKS["text-classification"], seed=0)
        examples = [*splits.train, *splits.validation, *splits.test]
        return Read(
            sorted((example.line, example.text, example.label) for example in examples),
            [note for note in splits.notes if " column `" not in note],
        )

    return read
