"""Run one probe forward, follow every torch call and module of it, and read the structure off what was recorded.

The public part is first, then the reading, then the following. No name of a module or an architecture is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

from regtune.models.dropout_sites import DropoutKind
from regtune.models.trace.recorder import DropoutCall, Recorder, tensors_in
from regtune.models.trace.rules import Operation, result_lineage


@dataclass(frozen=True, kw_only=True)
class TracedSite:
    """One dropout call of the probe forward."""

    path: str  # of the module whose forward, or hook, made the call
    kind: DropoutKind
    probability: float


@dataclass(frozen=True, kw_only=True)
class TracedBranch:
    """One branch of a residual connection. probabilities: of the dropouts at its end."""

    kind: DropoutKind  # attention_output or feed_forward
    module: str | None  # the outermost module whose output is this branch: the place for a hook
    probabilities: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class TracedHead:
    """The final layer. probabilities: of the dropouts on what enters it."""

    module: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """sites and branches in the order they were executed; head: None when no weights lead to the logits."""

    sites: tuple[TracedSite, ...]
    branches: tuple[TracedBranch, ...]
    head: TracedHead | None


def trace_forward(model: PreTrainedModel, probe: dict[str, Tensor]) -> Trace:
    """Run the probe once, in train mode. probe: a batch as the collator makes it; labels are left out.

    Nothing about the model changes, and no random number is used up.
    """
    recorder = Recorder()
    inputs = {name: tensor.to(model.device) for name, tensor in probe.items() if name != "labels"}
    for tensor in inputs.values():
        recorder.remember_input(tensor)
    with probing(model), modules_followed(model, recorder), LineageMode(recorder):
        logits: Tensor = model(**inputs).logits
    return _read(recorder, logits)


def _read(recorder: Recorder, logits: Tensor) -> Trace:
    last = recorder.lineage(logits).last_weights
    final = recorder.weights[last] if last >= 0 else None
    kinds = _kinds(recorder, head_dropouts=final.dropouts if final else ())
    return Trace(
        sites=tuple(
            TracedSite(path=call.path, kind=kinds[call.index], probability=call.probability) for call in recorder.calls
        ),
        branches=tuple(
            TracedBranch(
                kind=_branch_kind(segment.has_attention),
                module=segment.output_of[-1] if segment.output_of else None,
                probabilities=_probabilities(recorder, segment.dropouts),
            )
            for segment in recorder.branches
        ),
        head=TracedHead(module=final.path, probabilities=_probabilities(recorder, final.dropouts)) if final else None,
    )


def _kinds(recorder: Recorder, *, head_dropouts: tuple[int, ...]) -> dict[int, DropoutKind]:
    """The kind of each dropout call, by index."""
    kinds = {call.index: _kind_apart_from_branches(recorder, call) for call in recorder.calls}
    for segment in recorder.branches:
        kinds.update(dict.fromkeys(segment.dropouts, _branch_kind(segment.has_attention)))
    kinds.update(dict.fromkeys(head_dropouts, "classifier"))
    return kinds


def _kind_apart_from_branches(recorder: Recorder, call: DropoutCall) -> DropoutKind:
    if call.on_probabilities:
        return "attention_probabilities"
    leads_to_first_layer = any(
        stream.identity == call.identity or stream.ancestors >> call.identity & 1 for stream in recorder.embeddings
    )
    return "embedding" if leads_to_first_layer or not call.is_from_input else "inner"


def _branch_kind(has_attention: bool) -> DropoutKind:
    return "attention_output" if has_attention else "feed_forward"


def _probabilities(recorder: Recorder, dropouts: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(recorder.calls[index].probability for index in dropouts)


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


@contextmanager
def probing(model: nn.Module) -> Iterator[None]:
    """Train mode without gradients; afterwards the random state, buffers and train/eval flags are as before."""
    flags = {module: module.training for module in model.modules()}
    buffers = [
        (buffer, buffer.detach().clone()) for buffer in model.buffers()
    ]  # BatchNorm's statistics move in training
    try:
        with random_state_kept(), torch.no_grad():
            model.train()
            yield
    finally:
        for module, flag in flags.items():
            module.training = flag
        for buffer, value in buffers:
            buffer.data.copy_(value)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """What is drawn inside is not missed outside. Covers the CPU and, where CUDA is in use, every GPU."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=list(devices)):
        yield
