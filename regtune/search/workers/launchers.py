"""Who carries a study out: a pool of processes on this machine, or tasks on a Ray cluster.

Each is a context manager that finds what can be wrong before a folder or a study is made, and gives a `Launcher`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from regtune.search.study.run import Launcher
from regtune.search.workers.local import LocalWorkers
from regtune.search.workers.ray_cluster import check_storage, connected, count_workers
from regtune.search.workers.ray_tasks import RayLauncher
from regtune.search.workers.slots import memory_per_worker
from regtune.training.setup import Setup

RAY_THREADS = 1  # of a worker on a cluster: trials side by side finish sooner than one after the other on more cores


@contextmanager
def on_this_machine(setup: Setup, *, asked: int | Literal["auto"]) -> Iterator[Launcher]:
    """As many workers as asked, or as the machine takes. Raises ConfigError for more workers than GPUs."""
    trained, settings = setup.capacity.trained, setup.config
    workers = LocalWorkers(
        asked=asked,
        uses_gpus=setup.device.type == "cuda",
        memory_each=memory_per_worker(
            trained=trained.trainable_parameters,
            frozen=trained.all_parameters - trained.trainable_parameters,
            tokens=settings.training.batch_size * settings.data.max_length,
        ),
    )
    workers.check()
    yield workers


@contextmanager
def on_ray(address: str, setup: Setup, *, asked: int | Literal["auto"], storage: str) -> Iterator[Launcher]:
    """Workers on a cluster that runs already. Raises what `connected`, `check_storage` and `count_workers` raise."""
    use_gpus = setup.config.training.device != "cpu"
    with connected(address) as cluster:
        check_storage(cluster, storage)
        fit = count_workers(cluster, threads=RAY_THREADS, asked=None if asked == "auto" else asked, use_gpus=use_gpus)

        yield RayLauncher(cluster=cluster, workers=fit, use_gpus=use_gpus)
