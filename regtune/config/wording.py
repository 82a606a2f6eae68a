"""How values, keys and choices from outside look inside a one-line message: short, and harmless to a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from regtune.config.document import KeyPath
from regtune.wording import printable

MAX_SHOWN = 60  # characters of a value; the place says where to read the rest


def shorten(text: str) -> str:
    """At most MAX_SHOWN printable characters; the cut is marked."""
    shown = printable(text[: MAX_SHOWN + 1])
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1] + "…"


def show_value(value: object) -> str:
    """A value as the user could have written it; collections only by kind."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return shorten(f'"{value}"' if len(value) + 2 <= MAX_SHOWN else f'"{value[: MAX_SHOWN - 3]}…"')
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a section with keys" if value else "an empty section"
    return shorten(str(value))


def show_path(path: KeyPath) -> str:
    """("training", "report_to", 0) → "training.report_to.0"."""
    return ".".join(shorten(str(part)) for part in path)


def choices(options: Sequence[str], *, last: str = "or") -> str:
    """["a", "b", "c"] → "a, b or c"."""
    *head, tail = options
    return f"{', '.join(head)} {last} {tail}" if head else tail


def bound(value: float) -> str:
    """A limit of the schema without a needless fraction: 1.0 → "1"."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else str(value)
