"""Weight decay: every step pulls weight matrices a little towards zero, or towards the pretrained weights.

What it does
    Shrinks weight matrices and embedding tables by a fixed share per step, beside the gradient step and not through it
    (decoupled, AdamW). Biases, norm parameters and every other vector are left alone: shrinking them limits what the
    model can represent and takes away no capacity.

Formula
    target zero:        w ← w − lr·λ·w, then AdamW's step with the gradient of the task loss alone.
    target pretrained:  AdamW's step, then w ← w − lr·λ·(w − w₀), w₀ the weights before training (L2-SP, decoupled);
                        the new head has no pretrained weights and decays towards zero.
    Total shrink of a run, the share of the distance to the target that decay alone removes: 1 − Π(1 − lr_t·λ).
    Adding λ·Σw² to the loss is something else under Adam: the adaptive rate divides it away where gradients are large.

Settings and defaults
    weight_decay: λ, 0 or more; 0 is off. Default 0.01, the usual value for fine-tuning; on small data 0.1.
    weight_decay_target: zero (default) or pretrained.
    A fine-tune is short and its learning rate small: λ = 0.01 at 5e-5 over 500 linearly decaying steps shrinks
    weights by 0.0125 %, practically off. The effect panel shows the total, so that nobody trusts a decay that is not
    there; a value that acts on small data is nearer to 1 to 10.

Interactions
    The product lr·λ acts: half the learning rate or half the steps is half the decay, stopping early too. `pretrained`
    needs one more copy of the decayed weights in memory, and is the safe choice for a λ large enough to act: towards
    zero it would erase what pretraining learnt.

Source
    Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2: https://arxiv.org/abs/1711.05101.
    L2-SP: Li, Grandvalet and Davoine 2018, https://arxiv.org/abs/1802.01483: there a penalty in the loss, under SGD.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from regtune.regularization.base import Regularizer

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, Parameter
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class DecayCounts:
    """How many tensors, and how many numbers in them, decay or do not."""

    decayed_tensors: int
    decayed_parameters: int
    undecayed_tensors: int
    undecayed_parameters: int


def decays(name: str, parameter: Parameter, owner_module: Module) -> bool:
    """Whether a parameter is a weight matrix or a table, which decay; vectors, biases and norm parameters do not.

    name: the last part of the parameter's path, or all of it. owner_module: the module that holds it directly. Only
    the last part is read: T5's `relative_attention_bias.weight` is a table, XLNet's two-dimensional `r_w_bias` a bias.
    A vector may have extra dimensions to be broadcast by: the (channels, 1, 1) of SwiftFormer's `layer_scale`. A matrix
    with one row is none of those, and is called `weight`.
    """
    leaf = name.rpartition(".")[2]
    is_bias = leaf == "bias" or leaf.endswith("_bias")
    # By class name: each architecture brings its own LlamaRMSNorm, ImageGPTLayerNorm, … with no common base class.
    is_norm = "norm" in type(owner_module).__name__.lower()
    is_vector = parameter.numel() == max(parameter.shape, default=1) and not (leaf == "weight" and parameter.ndim > 1)
    return not (is_vector or is_bias or is_norm)


def parameter_groups(model: Module, *, strength: float) -> list[dict[str, Any]]:
    """AdamW's two groups: decayed with λ = `strength`, and not decayed. Each trainable parameter is in one, once."""
    decayed, undecayed = _split(model)
    return [
        {"params": list(decayed.values()), "weight_decay": strength},
        {"params": list(undecayed.values()), "weight_decay": 0.0},
    ]


def count_decayed(model: Module) -> DecayCounts:
    """Counted on the built model; frozen parameters are in neither part, tied ones count once."""
    decayed, undecayed = _split(model)
    return DecayCounts(
        decayed_tensors=len(decayed),
        decayed_parameters=sum(parameter.numel() for parameter in decayed.values()),
        undecayed_tensors=len(undecayed),
        undecayed_parameters=sum(parameter.numel() for parameter in undecayed.values()),
    )


def total_shrink(learning_rates: Iterable[float], *, strength: float) -> float:
    """1 − Π(1 − lr_t·λ) over the steps' learning rates: the share of a weight's size that decay alone removes."""
    return 1 - math.prod(1 - learning_rate * strength for learning_rate in learning_rates)


class WeightDecay(Regularizer):
    """Decides who decays, and pulls towards the pretrained weights where that is the target.

    strength: λ ≥ 0. new_parameters: names of parameters that were not in the checkpoint (they decay towards zero).
    With the target `pretrained`, `adjust_model` must see the pretrained weights, on resume as well: before the
    weights of a checkpoint are put back.
    """

    def __init__(
        self,
        strength: float,
        *,
        target: Literal["zero", "pretrained"] = "zero",
        new_parameters: Sequence[str] = (),
    ) -> None:
        self.strength = strength
        self.target = target
        self.new_parameters = frozenset(new_parameters)
        self._anchored: list[tuple[Parameter, Tensor]] = []  # (parameter, w₀); empty for the target zero

    def adjust_model(self, model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
        """Copy w₀. Nothing in the model changes."""
        if self.target == "pretrained":
            decayed, _ = _split(model)
            self._anchored = [(parameter, self._anchor(name, parameter)) for name, parameter in decayed.items()]

    def parameter_groups(self, model: PreTrainedModel) -> list[dict[str, Any]]:
        # Towards the pretrained weights it is `after_step` that decays; AdamW must not do so as well.
        return parameter_groups(model, strength=self.strength if self.target == "zero" else 0.0)

    def after_step(self, learning_rate: float) -> None:
        """w ← w − lr·λ·(w − w₀) for the target pretrained; for the target zero AdamW has done it."""
        for index, (parameter, anchor) in enumerate(self._anchored):
            if anchor.device != parameter.device:  # the model moved to the GPU after w₀ was copied
                anchor = anchor.to(parameter.device)
                self._anchored[index] = (parameter, anchor)
            parameter.detach().lerp_(anchor, learning_rate * self.strength)

    def _anchor(self, name: str, parameter: Parameter) -> Tensor:
        weights = parameter.detach()
        return weights.new_zeros(weights.shape) if name in self.new_parameters else weights.clone()


def _split(model: Module) -> tuple[dict[str, Parameter], dict[str, Parameter]]:
    """Trainable parameters by full name, in model order: (decayed, not decayed)."""
    decayed: dict[str, Parameter] = {}
    undecayed: dict[str, Parameter] = {}
    for name, parameter, owner in _trainable(model):
        (decayed if decays(name, parameter, owner) else undecayed)[name] = parameter
    return decayed, undecayed


def _trainable(model: Module) -> Iterator[tuple[str, Parameter, Module]]:
    """(full name, parameter, the module that holds it). A tied parameter comes once, under its first name."""
    owners = dict(model.named_modules())
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield name, parameter, owners[name.rpartition(".")[0]]
