"""The launcher of a sweep on this machine: as many workers as it can take, in a pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from regtune.search.pool import Pool
from regtune.search.run import Crew
from regtune.search.slots import count_cores, count_gpus, count_workers, free_memory
from regtune.search.worker import work

if TYPE_CHECKING:
    from regtune.search.worker import Place


@dataclass(frozen=True, kw_only=True)
class LocalWorkers:
    """asked: the setting sweep.workers. uses_gpus: whether training may. memory_each: see `memory_per_worker`."""

    asked: int | Literal["auto"]
    uses_gpus: bool
    memory_each: int

    def __call__(
        self, place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]
    ) -> None:
        """As `Launcher` says. Raises ConfigError for more workers than GPUs, and what `Pool.run` raises."""
        gpus = count_gpus() if self.uses_gpus else 0
        workers, threads, note = count_workers(
            self.asked,
            gpus=gpus,
            cores=count_cores(),
            memory_free=free_memory(),
            memory_per_worker=self.memory_each,
            jobs=jobs,
        )
        places = [replace(place, slot=slot, threads=threads, gpu=slot if gpus else None) for slot in range(workers)]
        before = () if note is None else (note,)
        pool = Pool(
            places,
            work=work,
            on_tick=lambda: on_tick(Crew(asked=workers, notes=(*before, *pool.notes))),
            on_death=on_death,
        )
        pool.run()
