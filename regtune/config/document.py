"""A config as read: plain values, and where each of them was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"
KeyPath: TypeAlias = "tuple[str | int, ...]"  # ("training", "report_to", 0); a number is a place in a list

COMMAND_LINE = "command line"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a text came from. name: safe to print. has_lines: False for a value on the command line."""

    name: str
    has_lines: bool = True

    def at(self, line: int) -> str:
        """ "small.yaml:14", or the name alone where there is only one line."""
        return f"{self.name}:{line}" if self.has_lines else self.name


@dataclass(frozen=True, kw_only=True)
class Document:
    """values: the whole config. lines: 1-based line of every key in the file. overridden: set on the command line.

    A sweep file that builds on a config is one document from two files: `files` says which top-level keys are written
    in the other one.
    """

    name: str  # the file as the user named it, safe to print
    values: dict[str, Plain]
    lines: Mapping[KeyPath, int]
    overridden: frozenset[KeyPath] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)  # top-level key → its file, where that is not `name`

    def where(self, path: KeyPath) -> str:
        """Place of the key, or of the nearest section around it: "small.yaml:14", "command line" or "small.yaml"."""
        is_overridden, _, line = self.reading_order(path)
        if is_overridden:
            return COMMAND_LINE
        name = self.files.get(str(path[0]), self.name)
        return f"{name}:{line}" if line else name

    def reading_order(self, path: KeyPath) -> tuple[bool, bool, int]:
        """Sort key: each file from top to bottom, then the command line.

        (on the command line?, in the other file?, line or 0 for none)
        """
        for length in range(len(path), 0, -1):
            if path[:length] in self.overridden:
                return True, False, 0
            if path[:length] in self.lines:
                return False, path[0] in self.files, self.lines[path[:length]]
        return False, False, 0
