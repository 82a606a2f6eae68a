"""One way to the screen: what a stream can show is decided here, once, and nothing shown can break it.

Whatever is printed passes two gates. `shown` makes one value harmless before layout: control characters are escaped
(a label may hold a terminal command) and signs the encoding lacks get a look-alike, so that columns stay aligned.
`SafeStream` is the last gate: it never raises UnicodeEncodeError, and a closed pipe or full disk silences it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Mapping
from typing import IO, TextIO, cast

from rich.console import Console

from regtune.wording import encodable, printable

MINIMUM_WIDTH = 40  # characters; below it a table is no longer one
PLAIN_WIDTH = 100  # characters, where nothing says how wide the reader's page is


def shown(console: Console, value: object) -> str:
    """A label, path or sentence as this console may show it; call it on every value before layout."""
    return encodable(printable(str(value)), encoding=console.encoding)


def standard_output() -> Console:
    """A console on this process's standard output; what goes wrong with it is said on standard error."""
    return make_console(sys.stdout, environment=os.environ, complaints=sys.stderr)


def make_console(stream: TextIO | None, *, environment: Mapping[str, str], complaints: TextIO | None = None) -> Console:
    """A console for a stream, safe to print anything on.

    stream None is what Python makes of a standard output that was closed before the start: nothing is shown.
    environment: NO_COLOR, FORCE_COLOR, TERM, COLORTERM, COLUMNS and LINES are obeyed; a COLUMNS that is no positive
    number is ignored. complaints: where one line is written when the stream breaks, e.g. sys.stderr.
    """
    safe = SafeStream(stream, complaints=complaints)
    wants_no_color = environment.get("NO_COLOR", "") != ""
    wants_color = environment.get("FORCE_COLOR", "") not in ("", "0")
    known = {name: environment[name] for name in ("TERM", "COLORTERM") if name in environment}
    console = Console(
        file=cast(IO[str], safe),
        force_terminal=safe.isatty() or (wants_color and not wants_no_color),
        force_interactive=safe.isatty() and not _is_dumb(environment),
        force_jupyter=False,
        no_color=wants_no_color,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={**known, **_sizes(environment)},
    )
    if not safe.isatty() and "COLUMNS" not in _sizes(environment):
        console.size = (PLAIN_WIDTH, 25)  # rich would measure the terminal behind another stream
    elif console.width < MINIMUM_WIDTH:
        console.width = MINIMUM_WIDTH  # the terminal wraps the lines; columns squeezed further would be blank
    return console


def can_redraw(console: Console) -> bool:
    """True when lines can be drawn over: a real terminal, not TERM=dumb, and room for a table."""
    return console.is_interactive and console.width >= MINIMUM_WIDTH and console.height >= 10


class SafeStream(io.TextIOBase):
    """A text stream that is written to for as long as that works, then goes silent; writing never raises."""

    def __init__(self, stream: TextIO | None, *, complaints: TextIO | None) -> None:
        self._stream = stream
        self._complaints = complaints

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in the base class's stub
        return (self._stream.encoding if self._stream is not None else None) or "utf-8"

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        if self._stream is not None:
            try:
                self._stream.write(encodable(text, encoding=self.encoding))
            except (OSError, ValueError) as error:  # ValueError: the stream was closed by Python code
                self._lose(self._stream, error)
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(self._stream, error)

    def _lose(self, stream: TextIO, error: Exception) -> None:
        self._stream = None
        with contextlib.suppress(OSError, ValueError):
            # What is still buffered is flushed when Python exits and would fail again: let it go to nowhere.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        if self._complaints is not None:
            reason = error.strerror if isinstance(error, OSError) else error
            with contextlib.suppress(OSError, ValueError):
                self._complaints.write(f"regtune: output cannot be written ({reason}); going on without it\n")
                self._complaints.flush()


def _is_dumb(environment: Mapping[str, str]) -> bool:
    return environment.get("TERM", "").strip().lower() in ("dumb", "unknown")


def _sizes(environment: Mapping[str, str]) -> dict[str, str]:
    smallest = {"COLUMNS": MINIMUM_WIDTH, "LINES": 1}
    asked = {name: environment.get(name, "") for name in smallest}
    return {
        name: str(max(smallest[name], int(value)))
        for name, value in asked.items()
        if re.fullmatch("[0-9]{1,6}", value) and int(value) > 0
    }
