"""One text, one of K classes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from regtune.tasks.base import Task


class TextClassification(Task):
    """Cross entropy over classes; everything is computed in float32, whatever the model's arithmetic."""

    name = "text-classification"
    auto_class = "AutoModelForSequenceClassification"
    metrics = ("accuracy", "macro_f1", "nll", "ece")
    headline = "macro_f1"

    def clean_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits.float(), labels, reduction="none")  # (rows,)

    def hard_targets(self, labels: Tensor, classes: int) -> Tensor:
        return F.one_hot(labels, classes).float()  # (rows, classes)

    def objective(self, logits: Tensor, targets: Tensor) -> Tensor:
        return -(targets * logits.float().log_softmax(-1)).sum(-1)  # (rows,)

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits.float().softmax(-1)  # (rows, classes)
