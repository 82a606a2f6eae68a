"""One labelled row, and what makes two rows the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A row to train or score on. text is verbatim; label is the class name; source:line is where it stands."""

    text: str
    label: str
    group: str | None
    source: str
    line: int
    digest: str  # 16 hexadecimal digits, see `digest_of`


def fold_text(text: str) -> str:
    """The text without differences of case and white space. Rows equal in this stay on one side of a split."""
    return " ".join(text.casefold().split())


def digest_of(text: str, label: str) -> str:
    """Name of a row in `data.json`: first 16 hexadecimal digits of the SHA-256 of folded text, line feed, label."""
    return hashlib.sha256(f"{fold_text(text)}\n{label}".encode()).hexdigest()[:16]
