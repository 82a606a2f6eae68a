"""One dropout module for attention probabilities and hidden activations alike (XLNet), made two."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SplitDropout(nn.Dropout):
    """Dropout with a probability of its own for attention probabilities, told by their rank: (rows, heads, from, to).

    Takes the place of the module that it splits; as that one it has no weights and no state-dict key.
    """

    def __init__(self, p: float, *, probabilities_rank: int) -> None:
        super().__init__(p)
        self.probabilities_p = p
        self.probabilities_rank = probabilities_rank

    def forward(self, input: Tensor) -> Tensor:
        p = self.probabilities_p if input.ndim == self.probabilities_rank else self.p
        return F.dropout(input, p, self.training)


def split_dropout(model: nn.Module, path: str, *, probabilities_rank: int) -> None:
    """Split the dropout module at `path`, wherever the model refers to it."""
    shared = model.get_submodule(path)
    assert isinstance(shared, nn.Dropout)
    halves = SplitDropout(shared.p, probabilities_rank=probabilities_rank).train(shared.training)
    for module in list(model.modules()):
        for name, child in module.named_children():
            if child is shared:
                setattr(module, name, halves)
