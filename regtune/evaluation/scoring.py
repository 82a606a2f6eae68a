"""The one way regtune runs a model to measure or predict: eval mode, no gradient, and no trace left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.data.encode import Collator, EncodedRows
from regtune.evaluation.memory import out_of_memory_named

# Rows per forward pass of an evaluation. No gradients are kept, so more than in training fit; beyond this, CPUs gain
# nothing (rows are sorted by length, larger batches only pad more).
SCORING_BATCH_SIZE = 32
TOO_LARGE = f"{SCORING_BATCH_SIZE} rows did not fit into memory when the model was measured"
SMALLER = "a smaller data.max_length or model needs less; training.device=cpu uses the machine's own memory"


class Shares:
    """Which rows this process runs the model on, and how it gets the answers to all of them. Here: every row.

    With several processes `regtune.training.processes` has the others' answers brought together.
    """

    def share_of(self, rows: int) -> range:
        """Indices, of `rows` rows, that are this process's."""
        return range(rows)

    def in_row_order(self, mine: Tensor | Sequence[Any]) -> list[Any]:
        """The answers to all rows, each once, in row order. mine: those to this process's share, in its order.

        A tensor whose first dimension is the rows travels as a whole: far faster than a list of its rows.
        """
        return list(mine)


@dataclass(frozen=True)
class Scorer:
    """A model ready to be measured. bfloat16: run the forward pass in the arithmetic training used."""

    model: PreTrainedModel
    collate: Collator
    bfloat16: bool = False
    shares: Shares = field(default_factory=Shares)

    def logits(self, rows: EncodedRows, *, poll: Callable[[], None] | None = None) -> Tensor:
        """(rows, classes) float32 on the CPU, in row order; see `_own_logits`."""
        mine = self._own_logits(rows.take(self.shares.share_of(len(rows))), poll=poll)
        everyone = self.shares.in_row_order(mine)
        return torch.stack(everyone) if everyone else mine

    def _own_logits(self, rows: EncodedRows, *, poll: Callable[[], None] | None) -> Tensor:
        """(rows, classes) float32 on the CPU, in row order.

        The model's train/eval flag and the random state are as before afterwards, so that looking never changes a
        training run. poll is called between batches and may raise to give up.
        """
        lengths = rows.lengths
        by_length = sorted(range(len(rows)), key=lengths.__getitem__)
        device = self.model.device
        was_training = self.model.training
        forked = [device] if device.type == "cuda" else []
        parts: list[Tensor] = []
        self.model.eval()
        try:
            with (
                torch.random.fork_rng(devices=forked),
                torch.no_grad(),
                torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.bfloat16),
            ):
                assert not any(module.training for module in self.model.modules()), "dropout must be off"
                for start in range(0, len(rows), SCORING_BATCH_SIZE):
                    if poll is not None:
                        poll()
                    chosen = [rows[i] for i in by_length[start : start + SCORING_BATCH_SIZE]]
                    batch = {k: v.to(device) for k, v in self.collate(chosen).items() if k != "labels"}
                    with out_of_memory_named(TOO_LARGE, hint=SMALLER):
                        parts.append(self.model(**batch).logits.float().cpu())  # (batch, classes)
        finally:
            self.model.train(was_training)
        in_length_order = torch.cat(parts) if parts else torch.empty(0, 0)  # (rows, classes)
        return in_length_order[torch.tensor(by_length, dtype=torch.long).argsort()]
