"""Which module of a model runs when: the order of execution, seen in one probe forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from regtune.models.trace import random_state_kept


@dataclass(frozen=True)
class Span:
    """When a module ran, on the clock of one forward pass that ticks at each module's begin and end."""

    begin: int  # of its first call
    end: int  # of its last call
    count: int  # of calls


@dataclass(frozen=True)
class Calls:
    """spans: by module path; a module that was not called is missing."""

    spans: dict[str, Span]

    def begin(self, path: str) -> int:
        """When the module began; for one that was not called itself: the nearest one around it that was.

        `nn.MultiheadAttention` reads the weights of its output layer without calling that layer.
        """
        while path not in self.spans:
            path = path.rpartition(".")[0]
        return self.spans[path].begin


def record_calls(model: PreTrainedModel, probe: dict[str, Tensor]) -> Calls:
    """Run the probe once, in evaluation mode, labels left out. Nothing about the model changes."""
    spans: dict[str, Span] = {}
    clock = 0

    def tick() -> int:
        nonlocal clock
        clock += 1
        return clock

    def enter(path: str, module: nn.Module, inputs: Any) -> None:
        moment = tick()
        known = spans.get(path, Span(moment, moment, 0))
        spans[path] = Span(known.begin, moment, known.count + 1)

    def leave(path: str, module: nn.Module, inputs: Any, output: Any) -> None:
        spans[path] = Span(spans[path].begin, tick(), spans[path].count)

    with ExitStack() as stack:
        for path, module in model.named_modules():
            stack.callback(module.register_forward_pre_hook(partial(enter, path)).remove)
            stack.callback(module.register_forward_hook(partial(leave, path)).remove)
        with evaluating(model), torch.no_grad():
            model(**model_inputs(model, probe))
    return Calls(spans)


def model_inputs(model: PreTrainedModel, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a batch feeds the model: no labels, on its device."""
    return {name: tensor.to(model.device) for name, tensor in batch.items() if name != "labels"}


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode; afterwards each module's mode and the random state are as before."""
    flags = {module: module.training for module in model.modules()}
    try:
        with random_state_kept():
            model.eval()
            yield
    finally:
        for module, flag in flags.items():
            module.training = flag
