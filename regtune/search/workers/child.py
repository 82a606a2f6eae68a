"""A worker process seen from inside: it takes its place on the machine, works, and tells the parent how it failed.

Signals of a worker: SIGINT and SIGTERM are blocked. A thread waits for the first SIGTERM, from the parent or
because the parent is gone, and calls the handler of SIGTERM in the main thread, once. So neither a Ctrl-C in the
terminal, which reaches the whole foreground group, nor a SIGTERM that Slurm sends to every process of a job beside the
parent's own, can interrupt a worker a second time while it saves.

Who holds a trial has a handler that only notes the signal (`worker`). Before and after, there is nothing to save, and
the handler here ends the process on the spot: an exception might come up in the middle of an import, where others
catch it, or where nobody does.
"""

from __future__ import annotations

import _thread
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regtune.errors import Interrupted, RegtuneError

if TYPE_CHECKING:
    from regtune.search.workers.worker import Place

LOG = "workers.log"  # in the sweep's folder: what libraries of all workers print, away from the leaderboard
SAVE_SECONDS = 60.0  # a worker that was told to stop has this long to save its trial
MOST_TEXT = 20_000  # characters of a traceback sent to the parent; a pipe holds 64 KiB before its writer has to wait


@dataclass(frozen=True)
class Failure:
    """Why a worker ended, as it travels through a pipe. kind: a RegtuneError, or None for a bug."""

    kind: type[RegtuneError] | None
    arguments: tuple[Any, ...]  # of the exception; for a bug its type and message in one line
    attributes: dict[str, Any]  # hint, exit_code and what a kind adds
    trace: str  # for a report of a bug

    @classmethod
    def of(cls, error: Exception) -> Failure:
        trace = "".join(traceback.format_exception(error))[-MOST_TEXT:]
        if isinstance(error, RegtuneError):
            return cls(type(error), error.args, vars(error), trace)
        return cls(None, (f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",), {}, trace)

    def error(self) -> Exception:
        """The same error again. No constructor is called: some need arguments that an exception does not keep."""
        if self.kind is None:
            bug = RuntimeError(*self.arguments)
            bug.__cause__ = RemoteTraceback(self.trace)
            return bug
        error = self.kind.__new__(self.kind, *self.arguments)
        vars(error).update(self.attributes)
        return error


class RemoteTraceback(Exception):
    """The traceback of a worker, shown as the cause of the error in the parent."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def enter(place: Place) -> None:
    """Take one GPU, or a share of the cores, for this process and those it starts. Before CUDA is first touched."""
    os.environ["OMP_NUM_THREADS"] = str(place.threads)  # read by what is loaded from now on
    if place.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device_name(place.gpu, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if "torch" in sys.modules:  # loaded before the fork: the variable is too late
        import torch

        torch.set_num_threads(place.threads)


def device_name(gpu: int, visible: str | None) -> str:
    """What CUDA_VISIBLE_DEVICES calls a GPU. visible: its value so far, "2,3" or "GPU-8f1c…"; None: all of them."""
    return str(gpu) if visible is None else visible.split(",")[gpu].strip()


def run_child(place: Place, work: Callable[[Place], None], sender: Connection) -> None:
    """Main function of a worker process; ends it with exit code 0 when the work is done, with 143 after SIGTERM, else
    sends a Failure first."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_relay_first_sigterm, daemon=True).start()
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        _redirect_output(Path(place.folder) / LOG)
        enter(place)
        work(place)
    except Interrupted as error:
        sys.exit(error.exit_code)
    except Exception as error:  # the border of the process: the parent decides what the user is told
        with contextlib.suppress(OSError):  # the parent is gone: nobody to tell
            sender.send(Failure.of(error))
        sys.exit(error.exit_code if isinstance(error, RegtuneError) else 1)
    finally:
        signal.signal(signal.SIGTERM, _come_too_late)


def _leave(number: int, frame: object) -> None:
    """While no trial is held: nothing to save, nobody to tell."""
    os._exit(128 + number)


def _come_too_late(number: int, frame: object) -> None:
    """A signal must not change how the work ended. Not SIG_IGN: for a signal already on its way Python would write
    "ignored due to race condition"."""


def _relay_first_sigterm() -> None:
    """Call the main thread's handler for the first SIGTERM, as if it had got it; eat all that follow."""
    signal.sigwait({signal.SIGTERM})
    _thread.interrupt_main(signal.SIGTERM)
    while True:
        signal.sigwait({signal.SIGTERM})


def _follow_parent() -> None:
    """When the parent has ended, however it ended, stop as if it had asked to; a worker that cannot is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "run_child is the main function of a child"
    parent.join()  # the parent holds one end of a pipe
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SAVE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _redirect_output(path: Path) -> None:
    """Standard output and error, also of libraries written in C, go to the end of a file shared by all workers."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
