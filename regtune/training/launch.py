"""Which of a run's processes this one is, as `torchrun` and `accelerate launch` say in the environment. No torch here:
the command line asks before torch is loaded.

    WORLD_SIZE   processes of the run, on all machines together; absent or 1: an ordinary run
    RANK         number of this process, from 0
    LOCAL_RANK   its number on its machine, from 0: the GPU it takes
    LOCAL_WORLD_SIZE   processes on its machine
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass

from regtune.errors import EnvironmentFault, RegtuneError

LAUNCHER_SETTINGS = {
    "ACCELERATE_MIXED_PRECISION": "no",
    "ACCELERATE_USE_DEEPSPEED": "false",
    "ACCELERATE_USE_FSDP": "false",
    "ACCELERATE_USE_MEGATRON_LM": "false",
}
SPEAKING_SECONDS = 10.0  # at most, for one line on standard error
NAMES = ("WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE", "LOCAL_RANK")


@dataclass(frozen=True, kw_only=True)
class Place:
    """This process among those of its run. The default is a run of one process."""

    count: int = 1
    rank: int = 0
    local_count: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run folder and shows the table."""
        return self.rank == 0

    def __str__(self) -> str:
        return f"process {self.rank + 1} of {self.count}"


def read_place() -> Place:
    """This process's place.

    Raises EnvironmentFault when the variables are incomplete or contradict each other, and when `accelerate launch` was
    told how to train: that is the config's to say.
    """
    for name, neutral in LAUNCHER_SETTINGS.items():
        if (value := os.environ.get(name, neutral)).lower() != neutral:
            raise EnvironmentFault(
                f"the environment has {name}={value}, which regtune would not obey; allowed is {neutral}",
                hint="launch with `accelerate launch --mixed_precision no`, without FSDP and DeepSpeed; "
                "training.precision=bfloat16 asks for bfloat16",
            )
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return Place()
    given = [os.environ.get(name, "nothing") for name in NAMES]
    numbers = [int(text) if text.isdecimal() else -1 for text in given]
    count, rank, local_count, local_rank = numbers
    if not (0 <= local_rank < local_count <= count and local_rank <= rank < count):
        found = ", ".join(f"{name}={text}" for name, text in zip(NAMES, given, strict=True))
        raise EnvironmentFault(
            f"the environment asks for several processes, but does not say which of them this is: {found}",
            hint="start them with `torchrun --nproc-per-node N -m regtune train CONFIG`, or unset WORLD_SIZE",
        )
    return Place(count=count, rank=rank, local_count=local_count, local_rank=local_rank)


class LoneFailure(RegtuneError):
    """What ended one process while the others had no such trouble: nobody else can report it. Keeps its exit code."""

    def __init__(self, place: Place, error: RegtuneError) -> None:
        super().__init__(f"{place}: {error}", hint=error.hint)
        self.exit_code = error.exit_code


def is_spoken_here(error: BaseException) -> bool:
    """Whether this process tells the user of an error: the processes of one machine speak with one voice."""
    return os.environ.get("LOCAL_RANK", "0") == "0" or isinstance(error, LoneFailure)


def let_others_speak() -> None:
    """Wait, before this process ends with an error that another one reports, until the launcher calls this one back.

    A launcher sends SIGTERM to all processes as soon as the first one fails; the one that speaks must not be cut short.
    """
    is_called = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: is_called.set())
    deadline = time.monotonic() + SPEAKING_SECONDS
    while not is_called.is_set() and time.monotonic() < deadline:
        time.sleep(0.05)  # short: a signal that another thread takes does not wake this one
