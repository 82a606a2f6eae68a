"""What a run tells the outside world while it goes on. Training knows no terminal: a listener watches, never steers,
and an exception in a listener is the listener's problem: it is logged and the run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from regtune.history import History
from regtune.training.effect import Effect


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is about to happen, known before the first step."""

    run_path: Path
    config_name: str  # as the user typed it, for commands in hints
    task: str
    model: str
    device: str  # e.g. "cpu, 2 threads" or "cuda: NVIDIA H100"
    rows: dict[str, int]  # {"train": 512, "validation": 128, "test": 80}; absent split = absent key
    classes: tuple[str, ...]  # empty: the task has none
    parameters: int
    steps: int  # optimizer steps if early stopping never fires
    steps_per_epoch: int
    epochs: int
    evaluations: int  # if early stopping never fires
    patience: int | None  # evaluations
    monitor: str  # "loss" or a metric
    headline: str  # metric of the live table
    answer_kind: str  # see `regtune.tasks.base.Task`
    loss_unit: str  # of train and validation loss, e.g. "nats per row"
    chance_loss: float  # clean loss of always answering with the class shares, in that unit
    effect: Effect
    notes: tuple[str, ...]  # what reading the data found, one line each
    resumed_at_step: int | None = None


class Listener:
    """Override what you need; every method does nothing."""

    def on_start(self, plan: Plan) -> None: ...

    def on_resume(self, history: History) -> None:
        """Evaluations already in the run, before the first new step."""

    def on_step(self, step: int, objective: float) -> None:
        """After an optimizer step. objective: nats per row, this step's batch."""

    def on_evaluation(self, history: History) -> None:
        """history.last is new."""

    def on_end(self) -> None:
        """Training ended, for whatever reason; called exactly once when on_start was."""
