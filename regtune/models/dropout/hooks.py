"""Dropout for places where an architecture has none, as forward hooks.

A hook adds no parameter and no state-dict key, is saved nowhere, and is copied with the model (the classes are plain
and picklable). It draws from torch's global random state exactly as `nn.Dropout` does, so that restoring that state
replays the same masks, and it runs again when activation checkpointing recomputes the module it sits on.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class OutputDropout:
    """Forward hook: drop the module's output, or the first item of it when it is a tuple. p in [0, 1)."""

    def __init__(self, p: float) -> None:
        self.p = p

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        if isinstance(output, Tensor):
            return F.dropout(output, self.p, module.training)
        return (F.dropout(output[0], self.p, module.training), *output[1:])


class InputDropout:
    """Forward pre-hook: drop the module's first positional input. p in [0, 1)."""

    def __init__(self, p: float) -> None:
        self.p = p

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (F.dropout(inputs[0], self.p, module.training), *inputs[1:])


AddedDropout = OutputDropout | InputDropout


def added_dropouts(module: nn.Module) -> list[AddedDropout]:
    """The hooks of this kind that sit on the module itself."""
    hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
    return [hook for hook in hooks if isinstance(hook, OutputDropout | InputDropout)]
