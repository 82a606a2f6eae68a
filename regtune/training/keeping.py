"""What is kept of the best moment, and how often it is saved: of a run that is used, or of a trial that is ranked.

KeepWeights   a checkpoint at every evaluation; the best one is never dropped, its weights are restored at the end
KeepAnswers   the validation answers at the best evaluation, for paired comparisons; weights only to survive a kill
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from regtune.evaluation.answers import Answered
from regtune.evaluation.packed import pack, unpack
from regtune.history import History
from regtune.training.checkpoints import Checkpoint


class KeepWeights:
    """For a run."""

    def after_evaluation(self, history: History, answered: Answered) -> None:
        """The best weights are in the checkpoint of that step; nothing else is needed."""

    def is_save_due(self) -> bool:
        """After an evaluation."""
        return True

    def documents(self) -> dict[str, dict[str, Any]]:
        """What goes into a checkpoint beside weights and history."""
        return {}

    def best_step(self, history: History) -> int | None:
        """The step whose checkpoint must not be dropped."""
        return None if history.best is None else history.best.step


class KeepAnswers(KeepWeights):
    """For a trial. every_seconds: least time between two checkpoints; a kill loses at most that and an evaluation.

    told: called with the history after each evaluation; what it raises ends the trial.
    """

    def __init__(self, *, every_seconds: float, told: Callable[[History], None]) -> None:
        self.answered: Answered | None = None  # at the best evaluation so far
        self._every_seconds, self._told = every_seconds, told
        self._saved_at = time.monotonic()

    def after_evaluation(self, history: History, answered: Answered) -> None:
        if history.last.is_best:
            self.answered = answered
        self._told(history)

    def is_save_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._every_seconds

    def documents(self) -> dict[str, dict[str, Any]]:
        self._saved_at = time.monotonic()
        return {"answers": {"packed": None if self.answered is None else pack(self.answered)}}

    def best_step(self, history: History) -> int | None:
        return None

    def restore(self, checkpoint: Checkpoint) -> None:
        packed = checkpoint.document("answers")["packed"]
        self.answered = None if packed is None else unpack(packed)
