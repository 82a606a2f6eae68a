"""The server that forks workers: a process that has imported what they need, so that a worker starts in 0.02 s.

It is the standard library's (`multiprocessing.forkserver`), started with care: it must not hear Ctrl-C (during its
imports that would be a traceback on the terminal) nor SIGTERM (Slurm sends it to every process of a job, and with the
server the exit codes of all workers would be lost), and its imports must not start a thread per core.

A server lives until its parent and all workers have ended, and ends by itself then, however they ended.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import TYPE_CHECKING

from regtune.search.workers.child import Failure, run_child

if TYPE_CHECKING:
    from regtune.search.workers.worker import Place

PRELOAD = (  # what a worker imports; a name that cannot be imported is left to the worker
    "torch",
    "transformers.trainer",
    "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert",  # minilm and tiny
    "optuna.samplers",
    "optuna._gp.gp",  # the Gaussian process, with SciPy's optimizer: 0.4 s in the first trial that asks it
    "optuna._gp.optim_mixed",
    "optuna.storages",
    "regtune.search.workers.worker",
)
RESTART_SECONDS = 2.0  # a server that was killed refuses connections before the system says that it has ended
SERVER_LOST = 255  # what multiprocessing says of a child whose server died and took the exit code with it
_context = multiprocessing.get_context("forkserver")


def start_server(preload: Sequence[str], *, threads: int) -> None:
    """Start the server unless it runs, and wait until its imports are done (5 s with PRELOAD).

    threads: for the linear algebra of what it imports. Raises OSError or EOFError when it cannot be started.
    """
    _context.set_forkserver_preload(list(preload))
    first = _context.Process(target=_nothing)
    resource_tracker.ensure_running()  # before the signals are blocked: it unblocks them
    _start(first, threads=threads)
    first.join()
    first.close()


def start_early() -> None:
    """Begin to start the server, beside whatever else is done until workers are needed; its faults show then."""

    def start() -> None:
        with contextlib.suppress(OSError, EOFError):
            start_server(PRELOAD, threads=1)

    threading.Thread(target=start, daemon=True).start()


@dataclass(frozen=True)
class WorkerProcess:
    """A running process, and the end of a pipe through which it says why it fails."""

    process: ForkServerProcess
    receiver: Connection

    @classmethod
    def at(cls, place: Place, work: Callable[[Place], None]) -> WorkerProcess:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = _context.Process(target=run_child, args=(place, work, sender))
        with sender:  # the child has its own copy
            _start(process, threads=place.threads)
        return cls(process, receiver)

    def bury(self) -> tuple[int, Failure | None]:
        """Of a process that ended: its exit code (−n: killed by signal n) and what it said."""
        pid, code = self.process.pid, self.process.exitcode
        assert pid is not None
        assert code is not None
        if code == SERVER_LOST:  # it may be alive, but nobody would learn when it ends
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        failure: Failure | None = None
        with self.receiver, contextlib.suppress(EOFError):
            if self.receiver.poll():
                failure = self.receiver.recv()
        self.process.close()
        return code, failure


def describe_end(code: int, failure: Failure | None) -> str:
    if failure is not None:
        return f"failed with {failure.arguments[0]}"
    if code == SERVER_LOST:
        return "was lost with the process that started it"
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _start(process: ForkServerProcess, *, threads: int) -> None:
    """Fork a process; starts the server when there is none, or when it died. The errors of `start_server`."""
    deadline = time.monotonic() + RESTART_SECONDS
    with _deaf_and_single_minded(threads), _without_main():
        while True:
            try:
                process.start()
            except (ConnectionError, EOFError):  # multiprocessing takes a server for alive until it can be waited for
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


@contextlib.contextmanager
def _deaf_and_single_minded(threads: int) -> Iterator[None]:
    """What a server started inside inherits: SIGINT and SIGTERM blocked, few threads, no CUDA context.

    The mask is that of the calling thread: signals that come meanwhile wait, or are taken by another thread.
    """
    variables = {
        "OMP_NUM_THREADS": str(threads),
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # is_available() must not initialise CUDA before the fork
    }
    before = {name: os.environ.get(name) for name in variables}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """A process started inside does not import the script that runs now: one that calls `regtune.sweep` without
    `if __name__ == "__main__"` would start a sweep in every worker."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _nothing() -> None:
    """The first child: when it has ended, the server has imported everything."""
