"""What happens between two optimizer steps: evaluate, remember, decide, save, stop. A Trainer callback.

Order at a step where an evaluation is due: measure train sample and validation (clean loss, eval mode) → the patience
technique judges → the record goes to the history and its file → listeners → checkpoint. The checkpoint holds the
history up to its step, so resuming from it forgets whatever a killed process had written after it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from regtune.errors import DivergedError
from regtune.history import Evaluation, History
from regtune.regularization.patience import Patience
from regtune.run import Run
from regtune.training.checkpoints import CheckpointStore
from regtune.training.keeping import KeepWeights
from regtune.training.listener import Listener
from regtune.training.measure import Measure
from regtune.training.signals import StopRequested, StopSignals
from regtune.training.trainer import RegtuneTrainer

logger = logging.getLogger(__name__)


def evaluation_steps(*, steps_per_epoch: int, epochs: int, evaluations_per_epoch: int) -> frozenset[int]:
    """The steps after which an evaluation is due: evenly spaced in every epoch, the epoch's last step always one."""
    within = [round(steps_per_epoch * part / evaluations_per_epoch) for part in range(1, evaluations_per_epoch + 1)]
    return frozenset(epoch * steps_per_epoch + step for epoch in range(epochs) for step in within)


@dataclass
class Progress:
    """What a resumed run must know beyond weights and history. Saved with every checkpoint."""

    objective_sum: float = 0.0  # of the steps since the last evaluation, nats per row
    objective_steps: int = 0
    learning_rate: float = 0.0  # of the last step
    elapsed_seconds: float = 0.0  # up to the last checkpoint, all processes of this run together


class NothingLeftToDo(Exception):
    """The evaluation that a resumed run made up for ended it; no step may follow. Never leaves `regtune.training`."""


class Conductor(TrainerCallback):
    """Wired to one trainer by `train`; nothing here changes weights."""

    def __init__(
        self,
        *,
        trainer: RegtuneTrainer,
        run: Run,
        store: CheckpointStore,
        history: History,
        progress: Progress,
        measure: Measure,
        patience: Patience,
        monitor: str,
        due: frozenset[int],
        keeping: KeepWeights,
        listeners: Sequence[Listener],
        signals: StopSignals,
    ) -> None:
        self.trainer, self.run, self.store, self.history, self.progress = trainer, run, store, history, progress
        self.measure, self.patience, self.monitor, self.due = measure, patience, monitor, due
        self.keeping = keeping
        self.listeners, self.signals = listeners, signals
        self.interrupted = False
        self._saved_step = -1
        self._started = time.monotonic()

    # ---- moments the Trainer offers ----------------------------------------------------------------------------------

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._is_due(state):  # an interruption left this step's evaluation out
            self.trainer.restore_random_state()  # it is saved again below
            self._evaluate(state, poll=_never)
            self._save(state)
            if self.history.last.stops:
                raise NothingLeftToDo

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # From the step count, not from the loader: the Trainer's skipping loader does not know the epoch it resumes in.
        self.trainer.batches.set_epoch(state.global_step // (state.max_steps // state.num_train_epochs))

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.progress.learning_rate = self.trainer.current_learning_rate()  # the scheduler steps after this
        for regularizer in self.trainer.regularizers:
            regularizer.after_step(self.progress.learning_rate)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.progress.objective_sum += self.trainer.last_objective
        self.progress.objective_steps += 1
        self._tell(lambda listener: listener.on_step(state.global_step, self.trainer.last_objective))
        self._at_step_boundary(state, control)

    # ---- what is done then -------------------------------------------------------------------------------------------

    def _at_step_boundary(self, state: TrainerState, control: TrainerControl) -> None:
        try:
            if self._is_due(state):
                self._evaluate(state, poll=self.signals.poll_inside)
                if self.keeping.is_save_due():
                    self._save(state)
                control.should_training_stop = self.history.last.stops
            self.signals.poll()
        except StopRequested:
            self._interrupt(state, control)

    def _is_due(self, state: TrainerState) -> bool:
        measured_up_to = self.history.last.step if len(self.history) else 0
        return state.global_step in self.due and state.global_step > measured_up_to

    def _evaluate(self, state: TrainerState, *, poll: Callable[[], None]) -> None:
        self.trainer.processes.copy_first(self.trainer.network.buffers())  # running statistics, where there are any
        measured = self.measure(poll=poll)
        if not (math.isfinite(measured.train_loss) and math.isfinite(measured.validation_loss)):
            raise DivergedError(
                f"training diverged at step {state.global_step}: clean loss {measured.train_loss} on training rows, "
                f"{measured.validation_loss} on validation rows, learning rate {self.progress.learning_rate:.3g}"
            )
        progress = self.progress
        evaluation = Evaluation(
            step=state.global_step,
            epoch=float(state.epoch),
            train_loss=measured.train_loss,
            validation_loss=measured.validation_loss,
            objective=progress.objective_sum / progress.objective_steps,
            metrics=measured.metrics,
            learning_rate=progress.learning_rate,
            patience_used=0,
            is_best=False,
            stops=False,
            elapsed_seconds=round(self._elapsed(), 3),
        )
        verdict = self.patience.judge([each.value(self.monitor) for each in (*self.history, evaluation)])
        self.history.append(
            replace(
                evaluation,
                patience_used=verdict.patience_used,
                is_best=verdict.is_best,
                stops=verdict.stops and state.global_step < state.max_steps,  # after the last step nothing is left
            )
        )
        progress.objective_sum, progress.objective_steps = 0.0, 0
        self.run.write_history(self.history)
        self._report_to_trackers(self.history.last)
        self._tell(lambda listener: listener.on_evaluation(self.history))
        self.keeping.after_evaluation(self.history, measured.answered)

    def _save(self, state: TrainerState) -> None:
        tensors, documents = self.trainer.state_to_save()
        progress = replace(self.progress, elapsed_seconds=self._elapsed())
        documents["regtune"] = {"history": self.history.to_jsonl(), "progress": asdict(progress)}
        documents |= self.keeping.documents()
        best_step = self.keeping.best_step(self.history)
        with self.trainer.processes.agreed():  # that it is saved, before a further step
            if self.trainer.processes.is_first:
                self.store.save(state.global_step, tensors=tensors, documents=documents, best_step=best_step)
        self._saved_step = state.global_step

    def _interrupt(self, state: TrainerState, control: TrainerControl) -> None:
        if self._saved_step != state.global_step:
            self._save(state)
        self.interrupted = True
        control.should_training_stop = True

    def _elapsed(self) -> float:
        return self.progress.elapsed_seconds + time.monotonic() - self._started

    def _report_to_trackers(self, evaluation: Evaluation) -> None:
        """TensorBoard and others get what the table shows, through the Trainer's own integrations."""
        clean = {"train/clean_loss": evaluation.train_loss, "eval/clean_loss": evaluation.validation_loss}
        metrics = {f"eval/{name}": value for name, value in evaluation.metrics.items()}
        self.trainer.log(
            {**clean, **metrics, "train/objective": evaluation.objective, "learning_rate": evaluation.learning_rate}
        )

    def _tell(self, call: Callable[[Listener], None]) -> None:
        tell(self.listeners, call)


def _never() -> None:
    """A pending evaluation of a resumed run is finished whatever happens: no later checkpoint would repeat it."""


def tell(listeners: Sequence[Listener], call: Callable[[Listener], None]) -> None:
    """Notify listeners; one that fails is logged, and training goes on: a display must never end a run."""
    for listener in listeners:
        try:
            call(listener)
        except Exception:  # whatever a listener's code raises is by design not a reason to stop
            logger.exception("listener %s failed", type(listener).__name__)
