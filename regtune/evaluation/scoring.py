"""The one way regtune runs a model to measure or predict: eval mode, no gradient, and no trace left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from regtune.data.encode import Collator, EncodedRows
from regtune.evaluation.memory import out_of_memory_named
from regtune.tasks.base import Batch, Processor, Task

# Rows per forward pass of an evaluation. No gradients are kept, so more than in training fit; beyond this, CPUs gain
# nothing (rows are sorted by length, larger batches only pad more).
SCORING_BATCH_SIZE = 32
Answer = TypeVar("Answer")
TOO_LARGE = f"{SCORING_BATCH_SIZE} rows did not fit into memory when the model was measured"
SMALLER = "a smaller data.max_length or model needs less; training.device=cpu uses the machine's own memory"


class Shares:
    """Which rows this process runs the model on, and how it gets the answers to all of them. Here: every row.

    With several processes `regtune.training.processes` has the others' answers brought together.
    """

    def share_of(self, rows: int) -> range:
        """Indices, of `rows` rows, that are this process's."""
        return range(rows)

    def in_row_order(self, mine: Sequence[Answer]) -> list[Answer]:
        """What was found for all rows, each once, in row order. mine: for this process's share, in its order."""
        return list(mine)


@dataclass(frozen=True)
class Scored:
    """What a model made of some rows, in row order. answers: see `Task.answers`; None where none were asked for.

    losses: (rows,) clean loss summed over the units of each row; units: (rows,) how many. Both zero without labels.
    """

    answers: list[Any]
    losses: NDArray[np.float64]
    units: NDArray[np.int64]


@dataclass(frozen=True)
class Scorer:
    """A model ready to be measured. bfloat16: run the forward pass in the arithmetic training used."""

    model: PreTrainedModel
    task: Task
    processor: Processor
    collate: Collator
    bfloat16: bool = False
    shares: Shares = field(default_factory=Shares)

    def __call__(
        self, rows: EncodedRows, *, with_answers: bool = True, poll: Callable[[], None] | None = None
    ) -> Scored:
        """Run all rows, with or without labels; with several processes each runs its share, and all get all.

        The model's train/eval flag and the random state are as before afterwards, so that looking never changes a
        training run. with_answers: False skips what only answers need, such as generating text. poll is called
        between batches and may raise to give up.
        """
        share = self.shares.share_of(len(rows))
        by_length = sorted(share, key=rows.lengths.__getitem__)
        answers: list[Any] = [None] * len(rows)
        losses, units = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
        with self._measuring():
            for start in range(0, len(share), SCORING_BATCH_SIZE):
                if poll is not None:
                    poll()
                chosen = by_length[start : start + SCORING_BATCH_SIZE]
                batch = self.collate([rows[i] for i in chosen])
                with out_of_memory_named(TOO_LARGE, hint=SMALLER):
                    found = self._run(
                        {name: tensor.to(self.model.device) for name, tensor in batch.items()}, with_answers
                    )
                losses[chosen], units[chosen] = found.losses, found.units
                for index, answer in zip(chosen, found.answers, strict=True):
                    answers[index] = answer
        return self._of_all([(answers[row], losses[row], units[row]) for row in share])

    def _of_all(self, mine: list[tuple[Any, Any, Any]]) -> Scored:
        found = self.shares.in_row_order(mine)
        return Scored(
            [answer for answer, _, _ in found],
            np.array([loss for _, loss, _ in found], dtype=np.float64),
            np.array([units for _, _, units in found], dtype=np.int64),
        )

    def _run(self, batch: Batch, with_answers: bool) -> Scored:
        logits: Tensor = self.model(**self.task.model_inputs(batch)).logits.float()  # (batch, …)
        count = len(logits)
        answers = (
            self.task.answers(self.model, batch, logits, processor=self.processor) if with_answers else [None] * count
        )
        if "labels" not in batch:
            return Scored(answers, np.zeros(count), np.zeros(count, dtype=np.int64))
        units = self.task.units(logits, batch["labels"])
        sums, counts = self.task.row_losses(units, count)
        return Scored(answers, sums.cpu().numpy(), counts.cpu().numpy())

    @contextmanager
    def _measuring(self) -> Iterator[None]:
        device, was_training = self.model.device, self.model.training
        self.model.eval()
        try:
            with (
                torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
                torch.no_grad(),
                torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.bfloat16),
            ):
                assert not any(module.training for module in self.model.modules()), "dropout must be off"
                yield
        finally:
            self.model.train(was_training)
