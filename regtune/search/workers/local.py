"""The launcher of a sweep on this machine: as many workers as it can take, in a pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from regtune.search.study.run import Crew
from regtune.search.workers.pool import Pool
from regtune.search.workers.slots import Seats, count_cores, count_gpus, count_workers, free_memory
from regtune.search.workers.worker import work

if TYPE_CHECKING:
    from regtune.search.workers.worker import Place


@dataclass(frozen=True, kw_only=True)
class LocalWorkers:
    """asked: the setting sweep.workers. uses_gpus: whether training may. memory_each: see `memory_per_worker`."""

    asked: int | Literal["auto"]
    uses_gpus: bool
    memory_each: int

    def check(self) -> None:
        """Before anything is made. Raises ConfigError for more workers than GPUs."""
        self._seats(jobs=1)

    def __call__(
        self, place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]
    ) -> None:
        """As `Launcher` says. Raises ConfigError for more workers than GPUs, and what `Pool.run` raises."""
        workers, threads, note = self._seats(jobs=jobs)
        has_gpus = self._gpus() > 0
        places = [replace(place, slot=slot, threads=threads, gpu=slot if has_gpus else None) for slot in range(workers)]
        before = () if note is None else (note,)
        pool = Pool(
            places,
            work=work,
            on_tick=lambda: on_tick(Crew(asked=workers, notes=(*before, *pool.notes))),
            on_death=on_death,
        )
        pool.run()

    def _seats(self, *, jobs: int) -> Seats:
        return count_workers(
            self.asked,
            gpus=self._gpus(),
            cores=count_cores(),
            memory_free=free_memory(),
            memory_per_worker=self.memory_each,
            jobs=jobs,
        )

    def _gpus(self) -> int:
        return count_gpus() if self.uses_gpus else 0
