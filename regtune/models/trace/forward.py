"""Run one probe forward, follow every torch call and module of it, and read the structure off what was recorded.

The public part is first, then the reading, then the following. No name of a module or an architecture is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

from regtune.models.dropout_sites import DropoutKind
from regtune.models.trace.operations import Operation
from regtune.models.trace.probing import probing
from regtune.models.trace.recorder import Branch, DropoutCall, Recorder, tensors_in
from regtune.models.trace.rules import result_lineage


@dataclass(frozen=True, kw_only=True)
class TracedSite:
    """One dropout call of the probe forward."""

    path: str  # of the module whose forward, or hook, made the call
    kind: DropoutKind
    probability: float
    rank: int  # dimensions of what is dropped


@dataclass(frozen=True, kw_only=True)
class TracedBranch:
    """One branch of a residual connection. probabilities: of the dropouts at its end."""

    kind: DropoutKind  # attention_output or feed_forward
    modules: tuple[str, ...]  # that return this branch and never anything but branches, innermost first: for a hook
    probabilities: tuple[float, ...]
    is_convolution: bool  # of images, by mixing neighbouring pixels


@dataclass(frozen=True, kw_only=True)
class TracedHead:
    """A final layer. probabilities: of the dropouts on what enters it."""

    module: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """All in the order they were executed. heads: mostly one; several where logits are stacked or averaged."""

    sites: tuple[TracedSite, ...]
    branches: tuple[TracedBranch, ...]
    heads: tuple[TracedHead, ...]


def trace_forward(model: PreTrainedModel, probe: dict[str, Tensor]) -> Trace:
    """Run the probe once, in train mode, all layers of it (layer drop is off).

    probe: a batch as the collator makes it. Labels are left out, unless the decoder's input is made from them. Nothing
    about the model changes, and no random number is used up.
    """
    recorder = Recorder()
    inputs = {name: tensor.to(model.device) for name, tensor in _inputs(model, probe).items()}
    for tensor in inputs.values():
        recorder.remember_input(tensor)
    with probing(model), modules_followed(model, recorder), LineageMode(recorder):
        output = model(**inputs)
    # PP-LCNet names its logits otherwise. With labels, the loss comes first.
    logits: Tensor = output["logits"] if "logits" in output else output[0]
    return _read(recorder, logits)


def _inputs(model: PreTrainedModel, probe: dict[str, Tensor]) -> dict[str, Tensor]:
    makes_decoder_input = model.config.is_encoder_decoder and "decoder_input_ids" not in probe
    return {name: tensor for name, tensor in probe.items() if name != "labels" or makes_decoder_input}


def _read(recorder: Recorder, logits: Tensor) -> Trace:
    heads = [recorder.weights[index] for index in recorder.lineage(logits).last_weights]
    busy = recorder.modules_with_another_use()
    kinds = _kinds(recorder, head_dropouts=[index for head in heads for index in head.dropouts])
    return Trace(
        sites=tuple(
            TracedSite(path=call.path, kind=kinds[call.index], probability=call.probability, rank=call.rank)
            for call in recorder.calls
        ),
        branches=tuple(
            TracedBranch(
                kind=_branch_kind(branch),
                modules=tuple(path for path in branch.segment.output_of if path not in busy),
                probabilities=_probabilities(recorder, branch.segment.dropouts),
                is_convolution=branch.is_convolution,
            )
            for branch in recorder.branches
        ),
        heads=tuple(
            TracedHead(module=head.path, probabilities=_probabilities(recorder, head.dropouts)) for head in heads
        ),
    )


def _kinds(recorder: Recorder, *, head_dropouts: list[int]) -> dict[int, DropoutKind]:
    """The kind of each dropout call, by index."""
    kinds = {call.index: _kind_apart_from_branches(recorder, call) for call in recorder.calls}
    for branch in recorder.branches:
        kinds.update(dict.fromkeys(branch.segment.dropouts, _branch_kind(branch)))
    kinds.update(dict.fromkeys(head_dropouts, "classifier"))
    return kinds


def _kind_apart_from_branches(recorder: Recorder, call: DropoutCall) -> DropoutKind:
    if call.on_probabilities:
        return "attention_probabilities"
    leads_to_first_layer = any(
        stream.identity == call.identity or stream.ancestors >> call.identity & 1 for stream in recorder.embeddings
    )
    return "embedding" if leads_to_first_layer or not call.is_from_input else "inner"


def _branch_kind(branch: Branch) -> DropoutKind:
    return "attention_output" if branch.is_attention else "feed_forward"


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
    first = output[0] if isinstance(output, tuple) and output else output
    if isinstance(first, Tensor):  # what a hook of ours can drop
        recorder.record_return(path, recorder.lineage(first))
