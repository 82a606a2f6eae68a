"""Find what matters to dropout in any model, from one probe forward: dropout calls, residual branches, the head.

No name of a module or an architecture is looked at. Each tensor carries its history (`trace_lineage`), each torch call
passes it on (`trace_rules`), and the structure shows itself:

    residual connection   x + f(x): an addend descends from the other
    branch                f: attention when two activations are multiplied in it, else feed-forward
    end of a branch       its last product with weights; a dropout after it covers the branch
    head                  the last product with weights before the logits

What the probe does not execute is not seen, nor is a branch that has neither weights nor products (a Fourier layer).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedModel

from regtune.models.dropout_sites import DropoutKind
from regtune.models.trace_mode import LineageMode, modules_followed
from regtune.models.trace_probe import probing
from regtune.models.trace_recorder import DropoutCall, Recorder


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
