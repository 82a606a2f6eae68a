"""Which parameters weight decay pulls at, judged by what their modules do rather than by the product's rule."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from regtune.regularization.weight_decay import parameter_groups

NORM_NAME = re.compile(r"(^|[._])(norm\d*|ln(_\w+)?|layer_?norm\w*|batch_?norm\w*|\w*_norm|bn\d*)$", re.IGNORECASE)
GAIN_NAME = re.compile(r"gamma|lambda|gain|(^|_)scale|layer_scale|alpha", re.IGNORECASE)


@dataclass(frozen=True)
class DecayFindings:
    """Names of parameters, each list empty when all is well."""

    not_in_one_group: tuple[str, ...]
    decayed_norms: tuple[str, ...]
    decayed_biases: tuple[str, ...]
    decayed_vectors: tuple[str, ...]
    decayed_gains: tuple[str, ...]  # gains per channel, of any shape

    def __str__(self) -> str:
        found = {name.replace("_", " "): names for name, names in vars(self).items() if names}
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in found.items())


def check_decay(model: PreTrainedModel) -> DecayFindings:
    """Changes nothing."""
    groups = parameter_groups(model, strength=0.1)
    counts: dict[int, int] = {}
    for group in groups:
        for parameter in group["params"]:
            counts[id(parameter)] = counts.get(id(parameter), 0) + 1
    decayed = {id(parameter) for group in groups if group["weight_decay"] > 0 for parameter in group["params"]}
    trainable = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    suspects = {name: parameter for name, parameter in trainable.items() if id(parameter) in decayed}
    strangers = [f"{len(counts) - len(trainable)} foreign"] if len(counts) > len(trainable) else []
    return DecayFindings(
        not_in_one_group=(*(n for n, p in trainable.items() if counts.get(id(p), 0) != 1), *strangers),
        decayed_norms=tuple(name for name in suspects if is_norm(model, name)),
        decayed_biases=tuple(name for name, p in suspects.items() if _is_bias(name, p)),
        decayed_vectors=tuple(name for name, p in suspects.items() if p.ndim <= 1),
        decayed_gains=tuple(name for name, p in suspects.items() if _is_gain(name, p)),
    )


def is_norm(model: PreTrainedModel, name: str) -> bool:
    """By the name or the class of the module, or because what it returns does not grow with what it gets."""
    path, _, _ = name.rpartition(".")
    module = model.get_submodule(path)
    return bool(NORM_NAME.search(path)) or "norm" in type(module).__name__.lower() or _normalises(module)


def _normalises(module: nn.Module) -> bool:
    own = list(module.parameters(recurse=False))
    if isinstance(module, nn.Linear | nn.Embedding) or next(module.children(), None) is not None or not own:
        return False
    width = own[0].shape[-1]
    shapes = [(2, 3, width), (2, width, 3, 3), (2, width)]
    return any(_is_scale_invariant(module, torch.randn(shape)) for shape in shapes)


def _is_scale_invariant(module: nn.Module, values: Tensor) -> bool:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            once, scaled = module(values), module(16 * values)
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, AssertionError):
            return False  # takes something else than one tensor of this shape
    if not isinstance(once, Tensor) or not isinstance(scaled, Tensor) or once.shape != values.shape:
        return False
    return torch.allclose(once, scaled, rtol=1e-2, atol=1e-3) and not torch.allclose(once, torch.zeros_like(once))


def _is_bias(name: str, parameter: Tensor) -> bool:
    """A table of biases by relative position is a table: each entry is learnt from the pairs at that distance only."""
    tail = name.rpartition(".")[2]
    return tail.endswith("bias") or (tail.startswith("bias") and parameter.ndim <= 1)


def _is_gain(name: str, parameter: Tensor) -> bool:
    """A vector with extra dimensions, such as (channels, 1, 1)."""
    is_vector_like = parameter.numel() == max(parameter.shape, default=1)
    return is_vector_like and bool(GAIN_NAME.search(name.rpartition(".")[2]))
