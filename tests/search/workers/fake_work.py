"""Places and work for tests of the pool: what a worker does is the name of one of the functions here. No torch."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from regtune.errors import ConfigError, Interrupted
from regtune.training.signals import StopSignals

LONG_SECONDS = 30.0  # nothing waits as long unless the test fails


@dataclass(frozen=True)
class FakePlace:
    """What the pool needs of a place, and where workers leave their traces."""

    folder: Path
    does: tuple[str, ...] = ("finish",)  # what the first, second, … worker at this place does; then always the last
    slot: int = 0
    threads: int = 1
    gpu: int | None = None

    def note(self, line: str) -> None:
        with (self.folder / "notes.txt").open("a") as file:
            file.write(f"{line}\n")


def notes(folder: Path, word: str = "") -> list[str]:
    """Lines that workers noted, those that start with a word, without it."""
    path = folder / "notes.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.removeprefix(word).strip() for line in lines if line.startswith(word)]


def wait_for_notes(folder: Path, word: str, *, count: int = 1) -> list[str]:
    deadline = time.monotonic() + LONG_SECONDS
    while len(found := notes(folder, word)) < count:
        assert time.monotonic() < deadline, notes(folder)
        time.sleep(0.005)
    return found


def work(place: FakePlace) -> None:
    turn = len(notes(place.folder, f"started-{place.slot} "))
    place.note(f"started-{place.slot} {os.getpid()}")
    globals()[place.does[min(turn, len(place.does) - 1)]](place)


def finish(place: FakePlace) -> None:
    place.note("finished")


def be_killed(place: FakePlace) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave_with_3(place: FakePlace) -> None:
    os._exit(3)


def fail(place: FakePlace) -> None:
    raise ValueError("a bug")


def refuse(place: FakePlace) -> None:
    raise ConfigError("one problem", "another", hint="change both")


def wait_for_others_and_refuse(place: FakePlace) -> None:
    wait_for_notes(place.folder, "training")
    refuse(place)


def be_interrupted(place: FakePlace) -> None:
    raise Interrupted("saved", signal_number=signal.SIGTERM)


def speak(place: FakePlace) -> None:
    print("spoken aloud")  # noqa: T201 the subject of the test


def train(place: FakePlace) -> None:
    """As a worker trains: until a signal is noted, then takes a while to save."""
    with StopSignals() as signals:
        place.note(f"training {os.getpid()}")
        while signals.number is None:
            time.sleep(0.01)
    place.note("saving")
    time.sleep(0.2)  # for further signals to come in
    place.note(f"saved {signals.number}")
    raise Interrupted("saved", signal_number=signals.number)


def wait_idly(place: FakePlace) -> None:
    """As a worker that holds no trial yet, with no handler of its own."""
    place.note(f"waiting {os.getpid()}")
    while True:
        time.sleep(0.01)


def be_deaf(place: FakePlace) -> None:
    """Never ends, whatever it is told."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    place.note(f"deaf {os.getpid()}")
    time.sleep(LONG_SECONDS)
