"""One run in several processes, on one machine or several: each computes its share, all hold the same weights.

A batch keeps its meaning: `training.batch_size` rows go into one forward pass, whoever makes it. Process r of n takes
rows r, r + n, … of every batch of the one-process run, so steps, learning rates and curves are those of that run.

    objective   Σ over the units of the process's rows / units of all processes' rows
    gradients   summed over the processes before every step (see `gradients`)
    evaluation  process r answers rows r, r + n, …; all answers go to all, so that every process draws the same
                conclusion (best, stop) from the same numbers
    writing     the first process only; the others have a run folder of their own that is thrown away

Each collective must be reached by all processes: hence `agreed`, `of_first` and signals that are polled together.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from torch import Tensor

from regtune.config.schema import TrainingSettings
from regtune.errors import ConfigError, DivergedError, Interrupted, RegtuneError
from regtune.evaluation.scoring import Shares
from regtune.run import Run
from regtune.training.contact import ContactLost, contact, portable, restored
from regtune.training.devices import choose_device
from regtune.training.launch import LoneFailure, Place, read_place
from regtune.training.signals import SharedStopSignals, StopSignals

Answer = TypeVar("Answer")

LONGEST_WAIT = timedelta(hours=2)  # for the slowest process, e.g. while it fetches a model


@dataclass
class Processes(Shares):
    """The processes of one run, seen from one of them. With one process, every method is the obvious thing."""

    place: Place = field(default_factory=Place)
    scratch: Path | None = None  # where a process beside the first keeps its run folder
    agreed_error: RegtuneError | None = None  # raised by all processes alike

    @property
    def count(self) -> int:
        return self.place.count

    @property
    def is_first(self) -> bool:
        return self.place.is_first

    # ---- saying the same -----------------------------------------------------------------------------------------

    def gathered(self, answer: Answer) -> list[Answer]:
        """Every process's answer, by rank, on all of them."""
        if self.count == 1:
            return [answer]
        answers: list[Any] = [None] * self.count
        with contact():
            distributed.all_gather_object(answers, answer)
        return answers

    @contextlib.contextmanager
    def agreed(self) -> Iterator[None]:
        """All leave this block, or none: an error in one process is raised in all, with the same words."""
        if self.count == 1:
            yield
            return
        mine: Exception | None = None
        try:
            yield
        except Exception as error:  # whatever it is, the others must not wait for this process
            mine = error
        found = next((f for f in self.gathered(None if mine is None else portable(mine, self.place)) if f), None)
        if mine is not None and not isinstance(mine, RegtuneError):
            raise mine
        if found is not None:
            self.agreed_error = restored(*found)
            raise self.agreed_error from None

    def of_first(self, make: Callable[[], Answer]) -> Answer:
        """What the first process gets from `make`, or its error, on all processes."""
        made: list[Any] = [None]
        with self.agreed():
            if self.is_first:
                made = [make()]
        if self.count > 1:
            with contact():
                distributed.broadcast_object_list(made, src=0)
        answer: Answer = made[0]
        return answer

    # ---- the run folder ------------------------------------------------------------------------------------------

    def new_run(self, create: Callable[[], Run]) -> Run:
        """The first process's new run; elsewhere a folder that is thrown away in the end."""
        created: list[Run] = []
        with self.agreed():
            if self.is_first:
                created.append(create())
        return created[0] if self.is_first else self._scratch_run()

    def same_run(self, run: Run) -> Run:
        """An existing run; elsewhere a copy of all but its weights, made before the first process changes anything."""
        if not self.is_first:
            copy = self._scratch_run()
            for path in run.path.iterdir():
                if path.is_file():
                    shutil.copy(path, copy.path)
            run = copy
        self.gathered(None)
        return run

    def _scratch_run(self) -> Run:
        assert self.scratch is not None
        run = Run(self.scratch / "run")
        run.path.mkdir()
        return run

    # ---- training ------------------------------------------------------------------------------------------------

    def sum_numbers(self, numbers: Tensor) -> None:
        """Replace a tensor by its sum over all processes."""
        if self.count > 1:
            with contact():
                distributed.all_reduce(numbers)

    def total(self, number: int) -> int:
        """The sum of the processes' numbers."""
        numbers = torch.tensor(number)
        self.sum_numbers(numbers)
        return int(numbers)

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers."""
        numbers = torch.tensor(number)
        if self.count > 1:
            with contact():
                distributed.all_reduce(numbers, op=distributed.ReduceOp.MAX)
        return int(numbers)

    def copy_first(self, tensors: Iterable[Tensor]) -> None:
        """Give all processes the first one's values: weights before training, running statistics before measuring."""
        if self.count > 1:
            with contact(), torch.no_grad():
                for tensor in tensors:
                    distributed.broadcast(tensor.data, src=0)

    def seed_dropout(self, seed: int) -> None:
        """Draw other masks in every process, for all have other rows; in the first those of a one-process run."""
        if not self.is_first:
            torch.manual_seed(random.Random(f"dropout {seed} {self.place.rank}").getrandbits(63))

    def stop_signals(self) -> StopSignals:
        return StopSignals() if self.count == 1 else SharedStopSignals(self.largest)

    # ---- measuring -----------------------------------------------------------------------------------------------

    def share_of(self, rows: int) -> range:
        return range(self.place.rank, rows, self.count)

    def in_row_order(self, mine: Sequence[Answer]) -> list[Answer]:
        parts = self.gathered(mine)
        return [parts[row % self.count][row // self.count] for row in range(sum(map(len, parts)))]


@contextlib.contextmanager
def joined(settings: TrainingSettings) -> Iterator[Processes]:
    """Meet the other processes of this run, if it was launched with any.

    Raises ConfigError when a batch has fewer rows than there are processes. An error that strikes one process alone
    leaves as LoneFailure, so that it is reported.
    """
    place = read_place()
    if place.count == 1:
        yield Processes(place)
        return
    if settings.batch_size < place.count:
        raise ConfigError(
            f"training.batch_size: {settings.batch_size} rows cannot be divided over {place.count} processes, "
            f"it must be {place.count} or more",
            hint="batch_size counts the rows of all processes together",
        )
    device = choose_device(settings)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with contact():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=LONGEST_WAIT)
    with tempfile.TemporaryDirectory(prefix="regtune-process-", ignore_cleanup_errors=True) as scratch:
        processes = Processes(place, scratch=Path(scratch))
        try:
            yield processes
        except RegtuneError as error:
            is_common = error is processes.agreed_error or isinstance(error, Interrupted | DivergedError | ContactLost)
            if place.local_rank == 0 or is_common:
                raise
            raise LoneFailure(place, error) from None
        finally:
            distributed.destroy_process_group()
