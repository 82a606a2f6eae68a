"""The processes of a sweep on this machine: started, watched, replaced when they die, stopped when the user says so.

    Pool(places, work=work, on_tick=leaderboard.update, on_death=lambda pid: …).run()

One child process per place, forked from a server that has imported torch, transformers and optuna once (`forkserver` of
the standard library): the first worker costs those imports (5 s), each further one and each replacement 0.02 s, and
they share the memory of the imported code. The parent imports nothing of it and never touches a GPU.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from regtune.errors import EnvironmentFault, Interrupted
from regtune.search.workers.child import LOG, SAVE_SECONDS, Failure
from regtune.search.workers.fork_server import PRELOAD, WorkerProcess, describe_end, start_server
from regtune.training.signals import StopSignals

if TYPE_CHECKING:
    from regtune.search.workers.worker import Place

TICK_SECONDS = 0.5
MOST_RESTARTS = 3  # of one place without a finished job in between: then something is wrong with the place or the work


@dataclass
class _Slot:
    """One place and who works there."""

    place: Place
    worker: WorkerProcess | None = None
    end: Literal["done", "given up"] | None = None
    deaths: int = 0  # since a worker here finished a job


class Pool:
    """Workers on this machine. notes: what happened to them, a line each, for the leaderboard."""

    def __init__(
        self,
        places: Sequence[Place],
        *,
        work: Callable[[Place], None],
        on_tick: Callable[[], None],
        on_death: Callable[[int], bool],
        preload: Sequence[str] = PRELOAD,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        """work: a top-level function of an importable module; returns when nothing is left to do, and raises
        Interrupted after SIGTERM, its trial saved. on_tick: called every 0.5 s. on_death: called with the id of a
        process that ended otherwise; puts its job back, and returns whether a job that it had is over, well or not.
        """
        self.notes: list[str] = []
        self._slots = [_Slot(place) for place in places]
        self._work = work
        self._on_tick = on_tick
        self._on_death = on_death
        self._preload = preload
        self._save_seconds = save_seconds
        self._next_tick = 0.0
        self._fatal: Failure | None = None  # why the whole sweep has to end
        self._last_end = ""  # of the worker that died last, for people
        self._last_bug: Failure | None = None

    @property
    def alive(self) -> int:
        """Workers that have started and not ended."""
        return len(self._busy())

    def run(self) -> None:
        """Work until every worker is done.

        Raises the error that a worker ended with; EnvironmentFault when all places were given up; Interrupted after
        Ctrl-C or SIGTERM, when all workers have saved; KeyboardInterrupt on a second Ctrl-C, which kills them.
        However it is left, no worker is left.
        """
        with _PoolSignals() as signals:
            try:
                self._start_server(signals)
                self._watch(signals)
                self._stop()
            except Exception:
                self._stop()
                raise
            finally:
                self._kill()
                self._remove_empty_log()
        self._raise_why(signals)

    def _start_server(self, signals: StopSignals) -> None:
        """Have what workers need imported. In a thread, so that neither ticks nor Ctrl-C wait for it."""
        failed: list[Exception] = []

        def start() -> None:
            try:
                start_server(self._preload, threads=self._slots[0].place.threads)
            except (OSError, EOFError) as error:
                failed.append(error)

        thread = threading.Thread(target=start, daemon=True)
        thread.start()
        while thread.is_alive() and signals.number is None:
            thread.join(self._tick())
        if failed and signals.number is None:
            raise EnvironmentFault(f"worker processes cannot be started: {failed[0]!r}") from failed[0]

    def _watch(self, signals: StopSignals) -> None:
        """Keep every place busy until all are done, or until something ends the sweep."""
        for slot in self._slots:
            if signals.number is None:
                self._start(slot)
        while (busy := self._busy()) and signals.number is None and self._fatal is None:
            _wait(busy, seconds=self._tick())
            for slot, worker in busy:
                if not worker.process.is_alive():
                    self._replace(slot, worker)
        self._on_tick()

    def _tick(self) -> float:
        """Call on_tick if it is due; seconds until it is again."""
        if time.monotonic() >= self._next_tick:
            self._on_tick()
            self._next_tick = time.monotonic() + TICK_SECONDS
        return self._next_tick - time.monotonic()

    def _busy(self) -> list[tuple[_Slot, WorkerProcess]]:
        return [(slot, slot.worker) for slot in self._slots if slot.worker is not None]

    def _start(self, slot: _Slot) -> None:
        try:
            slot.worker = WorkerProcess.at(slot.place, self._work)
        except (OSError, EOFError) as error:  # the fork server died
            raise EnvironmentFault(f"a worker process cannot be started: {error!r}") from error

    def _replace(self, slot: _Slot, worker: WorkerProcess) -> None:
        """After a worker ended: nobody, if all is done or the sweep has to end; else another one, up to a point."""
        pid = worker.process.pid
        assert pid is not None
        slot.worker = None
        code, failure = worker.bury()
        if code == 0:
            slot.end = "done"
        elif failure is not None and failure.kind is not None:
            self._fatal = failure
        else:
            self._last_end, self._last_bug = describe_end(code, failure), failure
            slot.deaths = 1 if self._on_death(pid) else slot.deaths + 1
            if slot.deaths > MOST_RESTARTS:
                slot.end = "given up"
                self.notes.append(
                    f"worker {slot.place.slot + 1} {self._last_end}, {slot.deaths} times without finishing a job: its"
                    " place stays empty"
                )
            else:
                self.notes.append(f"worker {slot.place.slot + 1} {self._last_end}: another one takes its place")
                self._start(slot)

    def _stop(self) -> None:
        """Ask all workers to save and end; kill those that do not. What they had, the next start puts back."""
        for _, worker in self._busy():
            worker.process.terminate()
        deadline = time.monotonic() + self._save_seconds
        while (busy := self._busy()) and time.monotonic() < deadline:
            _wait(busy, seconds=deadline - time.monotonic())
            self._bury_ended()
        self._kill()

    def _kill(self) -> None:
        for _, worker in self._busy():
            worker.process.kill()
        for _, worker in self._busy():
            worker.process.join()
        self._bury_ended()

    def _bury_ended(self) -> None:
        for slot, worker in self._busy():
            if not worker.process.is_alive():
                slot.worker = None
                code, _ = worker.bury()
                slot.end = "done" if code == 0 else None

    def _remove_empty_log(self) -> None:
        path = Path(self._slots[0].place.folder) / LOG
        if path.exists() and path.stat().st_size == 0:
            path.unlink()

    def _raise_why(self, signals: StopSignals) -> None:
        """The reason why not every worker is done, if so."""
        ends = {slot.end for slot in self._slots}
        if self._fatal is not None:
            raise self._fatal.error()
        if signals.number is not None and ends != {"done"}:
            raise Interrupted(
                "stopped; what the workers had finished is kept, what they were training is saved",
                signal_number=signals.number,
                hint="the same command goes on from here",
            )
        if ends == {"given up"} and self._last_bug is not None:
            raise self._last_bug.error()
        if ends == {"given up"}:
            raise EnvironmentFault(
                f"every worker died {MOST_RESTARTS + 1} times without finishing a job; the last one {self._last_end}",
                hint="signal 9 is often the kernel's, for lack of memory: fewer workers with sweep.workers=1; what"
                f" they printed is in {Path(self._slots[0].place.folder) / LOG}",
            )


class _PoolSignals(StopSignals):
    """A second Ctrl-C ends at once; further SIGTERMs change nothing, since `timeout` and launchers send several."""

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number


def _wait(busy: Iterable[tuple[_Slot, WorkerProcess]], *, seconds: float) -> None:
    """Until a worker ends, or the time is over."""
    connection.wait([worker.process.sentinel for _, worker in busy], timeout=max(seconds, 0.0))
