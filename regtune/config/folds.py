"""`fold:2/5`, the third kind of `data.validation`: of five equal parts of the rows, the second is held out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regtune.errors import ConfigError

PREFIX = "fold:"
MOST_FOLDS = 20
ALLOWED = f"fold:k/K with K from 2 to {MOST_FOLDS} and 1 ≤ k ≤ K, such as fold:1/5"


@dataclass(frozen=True)
class Fold:
    """Part `number`, from 1, of `count` parts that together hold every row once."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{PREFIX}{self.number}/{self.count}"


def is_fold(value: object) -> bool:
    """Whether a value of `data.validation` is meant as a fold, well written or not; a file is never named so."""
    return isinstance(value, str) and value.startswith(PREFIX)


def find_fold(text: str) -> Fold | None:
    """The fold that a text names; None where it names none that exists."""
    match = re.fullmatch(rf"{PREFIX}([0-9]{{1,3}})/([0-9]{{1,3}})", text)
    if match is None:
        return None
    fold = Fold(int(match[1]), int(match[2]))
    return fold if 2 <= fold.count <= MOST_FOLDS and 1 <= fold.number <= fold.count else None


def parse_fold(text: str) -> Fold:
    """The same for a text that must name one. Raises ConfigError."""
    fold = find_fold(text)
    if fold is None:
        raise ConfigError(f"data.validation: must be {ALLOWED}, got {text[:60]}")
    return fold
