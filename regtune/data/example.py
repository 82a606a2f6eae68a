"""One labelled row, and what makes two rows the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row to train or score on; `regtune.data.rules.RowRules` makes its parts. source:line is where it stands."""

    inputs: tuple[Any, ...]  # what the model reads, verbatim: one text, the two of a pair, an image, …
    target: Any  # what it should answer: a class name, a number, tags, …
    text: str  # the inputs, for people
    label: str  # the target, for people
    key: str  # rows with equal keys are the same input and stay on one side of a split
    strata: tuple[str, ...]  # what the sides of a split hold in equal proportion; usually the class
    group: str | None
    source: str
    line: int

    @property
    def digest(self) -> str:
        """Name of the row in `data.json`, see `digest_of`."""
        return digest_of(self.key, self.label)


def fold_text(text: str) -> str:
    """The text without differences of case and white space. Rows equal in this stay on one side of a split."""
    return " ".join(text.casefold().split())


def digest_of(key: str, label: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the row's key, a line feed and its label."""
    return hashlib.sha256(f"{key}\n{label}".encode()).hexdigest()[:16]
