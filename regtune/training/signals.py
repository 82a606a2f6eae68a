"""Ctrl-C and SIGTERM as a wish, not an accident: the first one asks, the second one ends the process at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM)


class StopRequested(Exception):
    """Raised by `StopSignals.poll` inside long loops; never leaves `regtune.training`."""


class StopSignals:
    """Context manager: while it is entered, a stop signal sets `number` instead of ending the process.

    The previous handlers come back on the first signal, so a second Ctrl-C acts as if regtune had none, and on exit.
    Outside the main thread Python allows no handlers: then nothing is caught.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in STOPPING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def poll(self) -> None:
        """Raise StopRequested when a stop was asked for."""
        if self.number is not None:
            raise StopRequested

    def poll_inside(self) -> None:
        """The same inside an evaluation or the end of a run."""
        self.poll()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}


class SharedStopSignals(StopSignals):
    """A stop asked of any process of a run stops all of them after the same step. largest: over all processes."""

    def __init__(self, largest: Callable[[int], int]) -> None:
        super().__init__()
        self._largest = largest

    def poll(self) -> None:
        """Reached by all processes together, once a step."""
        self.number = self._largest(self.number or 0) or None
        super().poll()

    def poll_inside(self) -> None:
        """An evaluation is finished: processes that gave it up at different rows would wait for each other."""

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number  # a launcher repeats signals, and kills on its own what does not end (30 s in torchrun)
