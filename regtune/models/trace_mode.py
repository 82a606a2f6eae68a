"""Follow every torch call of a forward pass, and every module it enters and leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from regtune.models.trace_recorder import Recorder, tensors_in
from regtune.models.trace_rules import Operation, result_lineage


class LineageMode(TorchFunctionMode):
    """Inside `with LineageMode(recorder):` each torch call hands its operands' history on to its results."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        operands = list(tensors_in((args, kwargs or {})))
        lineages = [self.recorder.lineage(operand) for operand in operands]  # before the call: it may be in place
        result = func(*args, **(kwargs or {}))
        name = func.__name__
        # `tensor[index] = value` returns nothing: the tensor itself is the result.
        results = operands[:1] if name == "__setitem__" else list(tensors_in(result))
        if operands and results:
            operation = Operation(
                name=name, arguments=args, keywords=kwargs or {}, operands=operands, lineages=lineages
            )
            lineage = result_lineage(self.recorder, operation)
            for tensor in results:
                self.recorder.remember(tensor, lineage)
        return result


@contextmanager
def modules_followed(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Keep `recorder.module_stack` up to date, and note at each module's end which branch it returned."""
    handles = []
    for path, module in model.named_modules():
        enter, leave = partial(_enter, recorder, path), partial(_leave, recorder, path)
        # Before all other hooks on the way in and after them on the way out: dropout in a hook is in this path as well.
        handles.append(module.register_forward_pre_hook(enter, prepend=True))
        handles.append(module.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _enter(recorder: Recorder, path: str, module: nn.Module, inputs: tuple[Any, ...]) -> None:
    recorder.module_stack.append(path)


def _leave(recorder: Recorder, path: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
    recorder.module_stack.pop()
    first: Tensor | None = next(tensors_in(output), None)
    if first is not None:
        for segment in recorder.lineage(first).segments:
            segment.output_of.append(path)
