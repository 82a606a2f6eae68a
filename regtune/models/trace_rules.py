"""One rule per family of operations: the lineage of the result from the lineages of the operands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from regtune.models import trace_operations as operations
from regtune.models.trace_lineage import Lineage, Segment, merged_segments, residual_of
from regtune.models.trace_recorder import Recorder, WeightCall


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A torch call about to be judged. operands: every tensor among the arguments, in order."""

    name: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    operands: list[Tensor]
    lineages: list[Lineage]  # of the operands

    def argument(self, position: int, keyword: str, *, default: Any) -> Any:
        if len(self.arguments) > position:
            return self.arguments[position]
        return self.keywords.get(keyword, default)

    @property
    def active(self) -> list[Lineage]:
        """Of the operands that depend on the model's input."""
        return [lineage for lineage in self.lineages if lineage.from_input]

    @property
    def factors(self) -> list[Lineage]:
        """Of what a product multiplies."""
        if self.name == "einsum":
            return self.lineages
        return self.lineages[1:3] if self.name in operations.ACCUMULATING_PRODUCTS else self.lineages[:2]


def result_lineage(recorder: Recorder, operation: Operation) -> Lineage:
    """The lineage of what the operation returned; dropout calls, branches and weights are recorded on the way."""
    name = operation.name
    if name in operations.DROPOUTS:
        return _dropout(recorder, operation)
    reads_a_table = name in operations.LOOKUPS and not operation.lineages[0].from_input
    if reads_a_table or not operation.active:
        return Lineage(identity=recorder.new_identity())
    return _rule(name)(recorder, operation)


def _rule(name: str) -> Callable[[Recorder, Operation], Lineage]:
    if name in operations.FUSED_ATTENTION:
        return _fused_attention
    if name in operations.PRODUCTS:
        return _product
    if name in operations.CONVOLUTIONS:
        return _weights
    if name in operations.ADDITIONS:
        return _addition
    if name in operations.JOINS:
        return _join
    return _elementwise


def _inherited(recorder: Recorder, active: list[Lineage]) -> Lineage:
    """A new tensor made of `active`, with nothing but ancestry."""
    ancestors = 0
    for lineage in active:
        ancestors |= lineage.ancestors | 1 << lineage.identity
    return Lineage(
        identity=recorder.new_identity(),
        ancestors=ancestors,
        from_input=True,
        last_weights=max(lineage.last_weights for lineage in active),
        depth=max(lineage.depth for lineage in active),
    )


def _dropout(recorder: Recorder, operation: Operation) -> Lineage:
    """A call on a table (DeBERTa's relative positions) is recorded too, though the result stays a table."""
    source = operation.lineages[0]
    is_training = operation.argument(2, "training", default=operation.keywords.get("train", True))
    probability = float(operation.argument(1, "p", default=0.5)) if is_training else 0.0
    identity = recorder.new_identity()
    index = recorder.record_dropout(
        source, probability=probability, on_probabilities=source.is_probability, identity=identity
    )
    if not source.from_input:
        return Lineage(identity=identity)
    return replace(
        _inherited(recorder, [source]),
        identity=identity,
        segments=tuple(
            replace(segment, dropouts=(*segment.dropouts, index), output_of=[]) for segment in source.segments
        ),
        dropouts=(*source.dropouts, index),
        is_probability=source.is_probability,
    )


def _fused_attention(recorder: Recorder, operation: Operation) -> Lineage:
    probability = float(operation.argument(4, "dropout_p", default=0.0))
    result = _inherited(recorder, operation.active)
    recorder.record_dropout(result, probability=probability, on_probabilities=True, identity=result.identity)
    return replace(result, segments=(Segment(has_attention=True),))


def _product(recorder: Recorder, operation: Operation) -> Lineage:
    """Activations times activations is attention (scores, or probabilities times values); else it is weights."""
    if operation.name != "linear" and sum(factor.from_input for factor in operation.factors) > 1:
        return replace(_inherited(recorder, operation.active), segments=(Segment(has_attention=True),))
    return _weights(recorder, operation)


def _weights(recorder: Recorder, operation: Operation) -> Lineage:
    """The latest weights of a branch: what was dropped before them is inside the branch, no longer its end."""
    recorder.weights.append(WeightCall(path=recorder.path, dropouts=operation.active[0].dropouts))
    has_attention = any(segment.has_attention for segment in merged_segments(operation.active))
    return replace(
        _inherited(recorder, operation.active),
        segments=(Segment(has_attention=has_attention, is_projected=True),),
        last_weights=len(recorder.weights) - 1,
    )


def _addition(recorder: Recorder, operation: Operation) -> Lineage:
    result = _inherited(recorder, operation.active)
    if len(operation.active) == 2 and operation.operands[0].shape == operation.operands[1].shape:
        residual = residual_of(*operation.active)
        if residual is not None:
            recorder.record_residual(residual)
            return replace(result, depth=result.depth + 1)
    return _join(recorder, operation)


def _join(recorder: Recorder, operation: Operation) -> Lineage:
    """Several tensors become one. What was dropped in the only active one stays dropped."""
    active = operation.active
    if len(active) == 1 and operation.name in operations.ADDITIONS:
        return _elementwise(recorder, operation)
    return replace(_inherited(recorder, active), segments=merged_segments(active))


def _elementwise(recorder: Recorder, operation: Operation) -> Lineage:
    """Everything else: of several operands (a gate and its input) the one with more history counts."""
    active, name = operation.active, operation.name
    main = max(active, key=lambda lineage: lineage.last_weights)
    is_alone = len(active) == 1
    keeps_values = name in operations.RESHAPINGS or name in operations.SELECTIONS
    is_same_tensor = is_alone and name in operations.RESHAPINGS | operations.SCALINGS | operations.ADDITIONS
    inherited = _inherited(recorder, active)
    return replace(
        inherited,
        identity=main.identity if is_same_tensor else inherited.identity,
        ancestors=main.ancestors if is_same_tensor else inherited.ancestors,
        segments=main.segments,
        is_probability=name in operations.SOFTMAXES or (main.is_probability and keeps_values),
        dropouts=main.dropouts if keeps_values or is_same_tensor else (),
    )
