"""The moments of a training run at which a technique may act. A technique overrides the hooks it needs, nothing else.

    model = load(pretrained)                          # weights, plus a new head
    adjust_model(model, probe)                        # dropout: set and add sites
    groups = parameter_groups(model)                  # weight decay: who is decayed
    for batch in batches:
        logits  = model(batch)                        # train mode
        targets = soften_targets(hard_targets)        # smoothing
        loss    = objective(logits, targets) + penalty(logits, targets)
        loss.backward(); clip(); AdamW.step()
        after_step(learning_rate)                     # weight decay towards the pretrained weights
        if evaluation is due:
            history.append(measure(model))            # eval mode, hard labels, no technique in sight
            judge(monitored values so far)            # patience: is it the best, do we stop?

The base class's hooks change nothing, so a run with every technique at strength zero is bit-equal to a run without
techniques. Modules here import torch only for types: a method card must be readable without waiting for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


class Regularizer:
    """A technique with its settings, for one run."""

    def adjust_model(self, model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
        """Change the loaded model in place, before the optimizer exists. probe: two encoded training rows."""

    def parameter_groups(self, model: PreTrainedModel) -> list[dict[str, Any]] | None:
        """AdamW's parameter groups; None: this technique has no say. At most one technique answers."""
        return None

    def soften_targets(self, targets: Tensor) -> Tensor:
        """Training targets. (rows, classes) → (rows, classes), rows summing to what they summed to."""
        return targets

    def penalty(self, logits: Tensor, targets: Tensor) -> Tensor | None:
        """A term added to the objective, one value per row (rows,); None: nothing to add."""
        return None

    def after_step(self, learning_rate: float) -> None:
        """Act on the weights right after AdamW did. learning_rate: of the step just made."""
