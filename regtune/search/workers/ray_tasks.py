"""Workers as tasks on a Ray cluster that already runs: Ray decides where they work, the study decides on what.

    with connected("ray://head:10001") as cluster:  # or head:6379, on a machine of the cluster
        check_storage(cluster, url)
        count = count_workers(cluster, threads=1, asked=None, use_gpus=True)
        carry_out(…, launch=RayLauncher(cluster, workers=count, use_gpus=True))

Every node needs regtune, the data and the model; `worker.work` checks the last two by content. When a node dies, Ray
starts its workers elsewhere, and the heartbeat of Optuna puts their trials back (grace period).
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from regtune.errors import EnvironmentFault, Interrupted
from regtune.network import first_line
from regtune.search.study.run import Crew
from regtune.search.workers.child import Failure, enter
from regtune.search.workers.places import folder_here
from regtune.search.workers.ray_cluster import Cluster
from regtune.training.signals import StopSignals

if TYPE_CHECKING:
    from regtune.search.workers.worker import Place

TICK_SECONDS = 0.5
SAVE_SECONDS = 60.0  # a worker that was told to stop has this long to save its trial
MAX_RESTARTS = 10  # of one worker whose node or process died
NEEDS = "every node needs the same version of regtune and what it depends on"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a task ended that has not finished the study. host: where."""

    host: str
    failure: Failure


@dataclass(frozen=True, kw_only=True)
class RayLauncher:
    """Starts the workers of a study on a cluster: a `Launcher` of `regtune.search.study.run`."""

    cluster: Cluster
    workers: int  # at most
    use_gpus: bool  # each worker takes one, where the cluster has any

    def __call__(
        self, place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]
    ) -> None:
        """place.folder: of the sweep on this machine; see `places.folder_here`. on_death: not called, since no process
        of ours dies; the workers that are left put back what others lost.
        """
        places = [replace(place, slot=slot) for slot in range(min(self.workers, jobs))]
        RayPool(places, gpus_each=int(self.use_gpus and self.cluster.gpus > 0), on_tick=on_tick).run()


class RayPool:
    """One task per place. notes: what happened to them, a line each, for the leaderboard."""

    def __init__(self, places: Sequence[Place], *, gpus_each: int, on_tick: Callable[[Crew], None]) -> None:
        self.notes: list[str] = []
        self._places = places
        self._gpus_each = gpus_each
        self._on_tick = on_tick
        self._first_failure: Exception | None = None
        self._has_finished = False

    def run(self) -> None:
        """Work until the study is finished.

        Raises the first error when every worker failed; Interrupted after Ctrl-C or SIGTERM, when all have saved.
        However it is left, no worker is left.
        """
        import ray

        task = ray.remote(work_on_node).options(
            name=f"regtune {self._places[0].study}",
            num_cpus=self._places[0].threads,
            num_gpus=self._gpus_each,
            max_retries=MAX_RESTARTS,
            scheduling_strategy="SPREAD",
        )
        # Ray shows each task its own GPU alone, so it needs no index.
        running = [task.remote(replace(place, gpu=None)) for place in self._places]
        with StopSignals() as signals:
            try:
                while running and signals.number is None:
                    ended, running = ray.wait(running, timeout=TICK_SECONDS)
                    for reference in ended:
                        self._note(reference)
                    self._on_tick(Crew(asked=len(self._places), notes=tuple(self.notes)))
            finally:
                _cancel(running)
        if signals.number is not None and not self._has_finished:
            raise Interrupted(
                f"stopped by {signal.Signals(signals.number).name}; every worker has saved its trial",
                signal_number=signals.number,
                hint="the same command goes on where this one stopped",
            )
        if not self._has_finished and self._first_failure is not None:
            raise self._first_failure

    def _note(self, reference: Any) -> None:
        """Remember how a task ended: one that returned None has seen the study finished."""
        import ray

        error: Exception
        try:
            ended: Ended | None = ray.get(reference)
            if ended is None:
                self._has_finished = True
                return
            where, error = ended.host, ended.failure.error()
        except ray.exceptions.RayTaskError as failed:  # before our code began: regtune is not there, or another one
            where, error = "a node", EnvironmentFault(f"its worker failed: {_reason(failed.cause)}", hint=NEEDS)
        except ray.exceptions.RayError as lost:
            where, error = "a node", EnvironmentFault(f"its worker was lost: {_reason(lost)}", hint="see `ray status`")
        self.notes.append(f"{where}: {' '.join(str(error).split())}")
        self._first_failure = self._first_failure or error


def work_on_node(place: Place) -> Ended | None:
    """The task: one worker, in a process of Ray's on some node. None: the study is finished."""
    try:
        from regtune.search.workers.worker import work

        enter(place)
        work(replace(place, folder=folder_here(place.folder, place.study)))
    except Interrupted as stopped:
        if stopped.exit_code == 128 + signal.SIGTERM:  # the node is being emptied: Ray starts the worker elsewhere
            raise SystemExit(stopped.exit_code) from None
        return Ended(host=socket.gethostname(), failure=Failure.of(stopped))
    except Exception as error:  # the border of the task: the user's machine decides what the user is told
        return Ended(host=socket.gethostname(), failure=Failure.of(error))
    return None


def _cancel(running: list[Any]) -> None:
    """What Ctrl-C does to a worker: it saves its trial and ends. One that does not is killed."""
    import ray

    if not running:
        return
    for reference in running:
        ray.cancel(reference)
    _, stuck = ray.wait(running, num_returns=len(running), timeout=SAVE_SECONDS)
    for reference in stuck:
        ray.cancel(reference, force=True)


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {first_line(Exception(str(error)))[:200]}"
