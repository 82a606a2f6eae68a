"""Watch every dropout of a forward pass from outside: torch's own calls, whoever makes them, and what they drop.

Knows nothing of regtune's tracer, so that the one can be held against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

DROPOUTS = {"dropout", "dropout_", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"}
SOFTMAXES = {"softmax", "_safe_softmax", "sparsemax"}
SAME_VALUES = {
    *("to", "type", "type_as", "float", "half", "bfloat16", "contiguous", "clone", "view", "reshape", "transpose"),
    *("permute", "unsqueeze", "squeeze", "flatten", "__getitem__", "expand", "masked_fill", "nan_to_num", "mul"),
    *("__mul__", "where", "swapaxes", "unflatten", "cat", "concat"),
}
DRAWS = 300
STANDARD_ERRORS = 7  # of the mean of a number over the draws; beyond that it is not chance


@dataclass(frozen=True)
class Call:
    """One dropout that acts: training, p above 0."""

    path: str  # of the innermost module being executed
    probability: float
    on_probabilities: bool  # inside attention
    bias: float  # distance of the mean over many draws from the input, in standard errors; 0 when not measured


class Observer(TorchFunctionMode):
    """calls: what acted. neutral: paths of modules in which dropout hands its input on instead (all for None)."""

    def __init__(self, stack: list[str], *, measure: bool, neutral: frozenset[str] | None) -> None:
        super().__init__()
        self.stack, self.measure, self.neutral = stack, measure, neutral
        self.calls: list[Call] = []
        self.softmaxes = 0  # seen, those inside torch's fused attention included
        self._probabilities: Any = WeakTensorKeyDictionary()

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        self.softmaxes += name in SOFTMAXES or name == "scaled_dot_product_attention"
        if name == "scaled_dot_product_attention":
            kwargs = self._attention(args, kwargs)
        if name in DROPOUTS:
            return self._dropout(func, args, kwargs)
        result = func(*args, **kwargs)
        handed_on = name in SAME_VALUES and any(self._is_probability(argument) for argument in _tensors(args))
        if isinstance(result, Tensor) and (name in SOFTMAXES or handed_on):
            self._probabilities[result] = True
        return result

    def _attention(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        probability = kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0)
        if probability > 0:
            self.calls.append(Call(self.stack[-1], probability, on_probabilities=True, bias=0.0))
            return kwargs if self._acts() else {**kwargs, "dropout_p": 0.0}
        return kwargs

    def _dropout(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        source = args[0] if args else kwargs["input"]
        probability = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
        training = kwargs.get("training", kwargs.get("train", args[2] if len(args) > 2 else True))
        if not training or probability == 0:
            return func(*args, **kwargs)
        on_probabilities = self._is_probability(source)
        bias = _bias(func, source.detach(), probability) if self.measure else 0.0
        self.calls.append(Call(self.stack[-1], probability, on_probabilities, bias))
        result = func(*args, **kwargs) if self._acts() else source
        if on_probabilities:
            self._probabilities[result] = True
        return result

    def _acts(self) -> bool:
        return self.neutral is not None and self.stack[-1] not in self.neutral

    def _is_probability(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value in self._probabilities


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)


def _bias(func: Callable[..., Any], source: Tensor, probability: float) -> float:
    """How far the mean of many draws is from what was dropped, at the number where it is farthest."""
    if probability >= 1 or source.numel() == 0:
        return 0.0
    drops_numbers = func.__name__ in {"dropout", "dropout_"}  # the others drop whole channels
    sample = source.flatten()[:512] if drops_numbers else source
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        draws = torch.stack([func(sample.clone(), p=probability, training=True) for _ in range(DRAWS)])
    error = sample.abs() * (probability / (1 - probability) / DRAWS) ** 0.5
    nonzero = error > 1e-12
    distance = (draws.mean(0) - sample).abs()
    return float((distance[nonzero] / error[nonzero]).max()) if bool(nonzero.any()) else 0.0


@contextmanager
def observed(
    model: nn.Module, *, measure: bool = False, neutral: frozenset[str] | None = frozenset()
) -> Iterator[Observer]:
    """What the forwards inside the block do. measure: the bias of each. neutral: see Observer."""
    stack: list[str] = []
    handles = []

    def leave(*_: object) -> None:
        stack.pop()

    for path, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(lambda *_, path=path: stack.append(path), prepend=True))
        handles.append(module.register_forward_hook(leave))
    observer = Observer(stack, measure=measure, neutral=neutral)
    try:
        with observer:
            yield observer
    finally:
        for handle in handles:
            handle.remove()
