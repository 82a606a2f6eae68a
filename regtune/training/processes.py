"""One run in several processes, on one machine or several: each computes its share, all hold the same weights.

A batch keeps its meaning: `training.batch_size` rows go into one forward pass, whoever makes it. Process r of n takes
rows r, r + n, … of every batch of the one-process run, so steps, learning rates and curves are those of that run.

    objective   Σ over the process's rows / rows of all processes; what the Trainer counts is already their sum
    gradients   summed over the processes before every step: Σ_r ∇(Σ_rows / N) is the gradient of the whole batch
    evaluation  process r answers rows r, r + n, …; all answers go to all, so that every process draws the same
                conclusion (best, stop) from the same numbers
    writing     the first process only; the others have a run folder of their own that is thrown away

Why gradients are summed here, and not by DistributedDataParallel: that one counts on every process making exactly one
forward pass through all parameters. Here a process may have no row of a small last batch, a technique may make two
passes, a frozen encoder's features may be cached, and a parameter may go unused. What is given up is the overlap of
communication with the backward pass; models that small data can train are small.

Each collective must be reached by all processes: hence `agreed`, `of_first` and signals that are polled together.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from torch import Tensor

from regtune.config.schema import TrainingSettings
from regtune.errors import ConfigError, DivergedError, EnvironmentFault, Interrupted, RegtuneError
from regtune.evaluation.scoring import Shares
from regtune.run import Run
from regtune.training.devices import choose_device
from regtune.training.launch import LoneFailure, Place, read_place
from regtune.training.signals import StopSignals

Answer = TypeVar("Answer")

LONGEST_WAIT = timedelta(hours=2)  # for the slowest process, e.g. while it fetches a model
BUCKET_NUMBERS = 16_777_216  # gradients that travel together, 64 MB in float32: bounds the copy that is made


class ContactLost(EnvironmentFault):
    """Another process ended without a word to this one; it, or what launched it, says why."""


@dataclass
class Processes(Shares):
    """The processes of one run, seen from one of them. With one process, every method is the obvious thing."""

    place: Place
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
        with _contact():
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
        found = next((f for f in self.gathered(None if mine is None else _portable(mine, self.place)) if f), None)
        if mine is not None and not isinstance(mine, RegtuneError):
            raise mine
        if found is not None:
            self.agreed_error = _restored(*found)
            raise self.agreed_error from None

    def of_first(self, make: Callable[[], Answer]) -> Answer:
        """What the first process gets from `make`, or its error, on all processes."""
        made: list[Any] = [None]
        with self.agreed():
            if self.is_first:
                made = [make()]
        if self.count > 1:
            with _contact():
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
            with _contact():
                distributed.all_reduce(numbers)

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers."""
        numbers = torch.tensor(number)
        if self.count > 1:
            with _contact():
                distributed.all_reduce(numbers, op=distributed.ReduceOp.MAX)
        return int(numbers)

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by its sum over all processes. One that no process has stays absent (None)."""
        if self.count == 1:
            return
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        is_used = torch.tensor([float(parameter.grad is not None) for parameter in trained], device=trained[0].device)
        self.sum_numbers(is_used)
        for bucket in _buckets([p for p, used in zip(trained, is_used.tolist(), strict=True) if used]):
            for parameter in bucket:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            gradients = [parameter.grad for parameter in bucket if parameter.grad is not None]
            together = torch.cat([gradient.reshape(-1) for gradient in gradients])
            self.sum_numbers(together)
            for gradient, summed in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(summed.view_as(gradient))

    def copy_first(self, tensors: Iterable[Tensor]) -> None:
        """Give all processes the first one's values: weights before training, running statistics before measuring."""
        if self.count > 1:
            with _contact(), torch.no_grad():
                for tensor in tensors:
                    distributed.broadcast(tensor.data, src=0)

    def seed_dropout(self, seed: int) -> None:
        """Draw other masks in every process, for all have other rows; in the first those of a one-process run."""
        if not self.is_first:
            torch.manual_seed(random.Random(f"dropout {seed} {self.place.rank}").getrandbits(63))

    def stop_signals(self) -> StopSignals:
        return StopSignals() if self.count == 1 else SharedStopSignals(self)

    # ---- measuring -----------------------------------------------------------------------------------------------

    def share_of(self, rows: int) -> range:
        return range(self.place.rank, rows, self.count)

    def in_row_order(self, mine: Sequence[Answer]) -> list[Answer]:
        parts = self.gathered(list(mine))
        return [parts[row % self.count][row // self.count] for row in range(sum(map(len, parts)))]


class SharedStopSignals(StopSignals):
    """A stop asked of any process stops all of them after the same step."""

    def __init__(self, processes: Processes) -> None:
        super().__init__()
        self._processes = processes

    def poll(self) -> None:
        """Reached by all processes together, once a step."""
        self.number = self._processes.largest(self.number or 0) or None
        super().poll()

    def poll_inside(self) -> None:
        """An evaluation is finished: processes that gave it up at different rows would wait for each other."""

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number  # a launcher repeats signals, and kills on its own what does not end (30 s in torchrun)


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
    with _contact():
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


@contextlib.contextmanager
def _contact() -> Iterator[None]:
    """Around collectives: torch has a bare RuntimeError for a process that is gone."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ContactLost(
            f"contact with the other processes of this run was lost ({reason[:160]})",
            hint="what the process that ended first says is the cause; `regtune train --resume RUN` goes on from there",
        ) from None


def _portable(error: Exception, place: Place) -> tuple[type[RegtuneError], tuple[Any, ...], dict[str, Any]]:
    """An error as plain values. One that is a bug becomes its description: it may not travel, nor exist elsewhere."""
    if isinstance(error, RegtuneError):
        return type(error), error.args, vars(error)
    return RegtuneError, (f"{place} failed: {type(error).__name__}: {error}",), {"hint": None}


def _restored(kind: type[RegtuneError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> RegtuneError:
    error = kind.__new__(kind, *arguments)  # BaseException keeps them; __init__ may want other ones
    vars(error).update(attributes)
    return error


def _buckets(parameters: Iterable[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    """Parameters in order, as many together as BUCKET_NUMBERS allows; a larger one alone."""
    bucket: list[torch.nn.Parameter] = []
    numbers = 0
    for parameter in parameters:
        if bucket and numbers + parameter.numel() > BUCKET_NUMBERS:
            yield bucket
            bucket, numbers = [], 0
        bucket.append(parameter)
        numbers += parameter.numel()
    if bucket:
        yield bucket
