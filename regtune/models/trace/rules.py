"""One rule per family of torch operations: the lineage of the result from the lineages of the operands.

An operation in none of the families (`operations`) counts as elementwise: the result is what its operand was, only
changed in value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from regtune.models.trace.lineage import Lineage, Residual, Segment, is_gate, merged_segments, residual_of
from regtune.models.trace.operations import (
    ADDITIONS,
    CONVOLUTIONS,
    DROPOUTS,
    FOURIER_TRANSFORMS,
    FUSED_ATTENTION,
    JOINS,
    LOOKUPS,
    MULTIPLICATIONS,
    PRODUCTS,
    RESHAPINGS,
    SCALINGS,
    SELECTIONS,
    SOFTMAXES,
    WHOLE_ATTENTION,
    Operation,
)
from regtune.models.trace.recorder import Recorder, WeightCall


def result_lineage(recorder: Recorder, operation: Operation) -> Lineage:
    """The lineage of what the operation returned; dropout calls, branches and weights are recorded on the way."""
    name = operation.name
    if name in DROPOUTS:
        return _dropout(recorder, operation)
    reads_a_table = name in LOOKUPS and not operation.lineages[0].from_input
    if reads_a_table or not operation.active:
        return Lineage(identity=recorder.new_identity())
    return _rule(name)(recorder, operation)


def _rule(name: str) -> Callable[[Recorder, Operation], Lineage]:
    if name in FUSED_ATTENTION:
        return _fused_attention
    if name in WHOLE_ATTENTION:
        return _whole_attention
    if name in FOURIER_TRANSFORMS:
        return _fourier_transform
    if name in PRODUCTS:
        return _product
    if name in CONVOLUTIONS:
        return _weights
    if name in ADDITIONS:
        return _addition
    if name in JOINS:
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
        last_weights=_longest(active).last_weights,
        depth=max(lineage.depth for lineage in active),
    )


def _longest(lineages: list[Lineage]) -> Lineage:
    """The one with the latest weights."""
    return max(lineages, key=lambda lineage: max(lineage.last_weights, default=-1))


def _dropout(recorder: Recorder, operation: Operation) -> Lineage:
    """A call on a table (DeBERTa's relative positions) is recorded too, though the result stays a table."""
    source = operation.lineages[0]
    is_training = operation.argument(2, "training", default=operation.keywords.get("train", True))
    probability = float(operation.argument(1, "p", default=0.5)) if is_training else 0.0
    identity = recorder.new_identity()
    index = recorder.record_dropout(
        source,
        probability=probability,
        on_probabilities=source.is_probability,
        identity=identity,
        rank=operation.operands[0].ndim,
    )
    if not source.from_input:
        return Lineage(identity=identity)
    return replace(
        _inherited(recorder, [source]),
        identity=identity,
        segments=_dropped(source.segments, index),
        nested=source.nested and replace(source.nested, outer=_dropped(source.nested.outer, index)),
        dropouts=(*source.dropouts, index),
        is_probability=source.is_probability,
    )


def _dropped(segments: tuple[Segment, ...], index: int) -> tuple[Segment, ...]:
    return tuple(replace(segment, dropouts=(*segment.dropouts, index), output_of=[]) for segment in segments)


def _fused_attention(recorder: Recorder, operation: Operation) -> Lineage:
    probability = float(operation.argument(4, "dropout_p", default=0.0))
    return _attention(recorder, operation, probability=probability, is_projected=False)


def _whole_attention(recorder: Recorder, operation: Operation) -> Lineage:
    is_training = operation.argument(13, "training", default=True)
    probability = float(operation.argument(10, "dropout_p", default=0.0)) if is_training else 0.0
    recorder.weights.append(WeightCall(path=recorder.path, dropouts=()))
    result = _attention(recorder, operation, probability=probability, is_projected=True)
    return replace(result, last_weights=(len(recorder.weights) - 1,))


def _attention(recorder: Recorder, operation: Operation, *, probability: float, is_projected: bool) -> Lineage:
    _retract_parts(recorder, operation.active)
    result = _inherited(recorder, operation.active)
    rank = operation.operands[0].ndim
    recorder.record_dropout(result, probability=probability, on_probabilities=True, identity=result.identity, rank=rank)
    return replace(result, segments=(Segment(attentions=recorder.new_product(), is_projected=is_projected),))


def _retract_parts(recorder: Recorder, factors: list[Lineage]) -> None:
    """A residual addition whose result is multiplied with activations was made inside attention: no branch."""
    for factor in factors:
        if factor.nested:
            recorder.retract(factor.nested.inner)


def _fourier_transform(recorder: Recorder, operation: Operation) -> Lineage:
    segment = Segment(attentions=recorder.new_product(), is_projected=True)
    return replace(_inherited(recorder, operation.active), segments=(segment,))


def _product(recorder: Recorder, operation: Operation) -> Lineage:
    """Activations times activations is attention (scores, or probabilities times values), or mixes streams; else it is
    weights."""
    if operation.name == "linear" or sum(factor.from_input for factor in operation.factors) < 2:
        return _weights(recorder, operation)
    stream = _gated_stream(operation)
    if stream is not None:
        return replace(stream, last_weights=_longest(operation.active).last_weights, dropouts=())
    _retract_parts(recorder, operation.active)
    return replace(_inherited(recorder, operation.active), segments=(Segment(attentions=recorder.new_product()),))


def _gated_stream(operation: Operation) -> Lineage | None:
    """Of two factors, the one that the other is a gate of; None for any other product.

    To a residual stream, a factor with one number for each position is a gate wherever it comes from.
    """
    if len(operation.operands) != 2 or len(operation.active) != 2:
        return None
    for index in (0, 1):
        stream, factor = operation.lineages[index], operation.lineages[1 - index]
        is_scalar = operation.name in MULTIPLICATIONS and operation.operands[1 - index].shape[-1:] == (1,)
        if is_gate(factor, of=stream) or (is_scalar and factor.segments and not stream.segments):
            return stream
    return None


def _weights(recorder: Recorder, operation: Operation) -> Lineage:
    """The latest weights of a branch: what was dropped before them is inside the branch, no longer its end."""
    recorder.weights.append(WeightCall(path=recorder.path, dropouts=operation.active[0].dropouts))
    before = merged_segments(operation.active)
    own = recorder.new_product() if _mixes_pixels(operation) else frozenset[int]()
    segment = Segment(
        attentions=frozenset[int]().union(*(segment.attentions for segment in before)),
        convolutions=frozenset[int]().union(*(segment.convolutions for segment in before), own),
        is_projected=True,
    )
    return replace(
        _inherited(recorder, operation.active), segments=(segment,), last_weights=(len(recorder.weights) - 1,)
    )


def _mixes_pixels(operation: Operation) -> bool:
    """A convolution of images with a kernel larger than 1 × 1."""
    if operation.name not in CONVOLUTIONS:
        return False
    images, kernel = operation.operands[:2]  # (rows, channels, height, width), (channels, channels, height, width)
    return images.ndim == 4 and kernel.shape[2:].numel() > 1


def _addition(recorder: Recorder, operation: Operation) -> Lineage:
    residual = _residual(operation)
    if residual is None:
        joined = _join(recorder, operation)
        return replace(joined, segments=()) if _is_stream_and_its_past(operation.active) else joined
    result = _inherited(recorder, operation.active)
    recorder.record_residual(residual, rank=operation.operands[0].ndim)
    return replace(result, depth=result.depth + 1, nested=residual.nested)


def _is_stream_and_its_past(active: list[Lineage]) -> bool:
    """A residual stream plus what it came from (Gemma 3n corrects a prediction) is the stream."""
    if len(active) != 2:
        return False
    first, second = active
    return any(
        not stream.segments and stream.descends_from(past) for stream, past in ((first, second), (second, first))
    )


def _residual(operation: Operation) -> Residual | None:
    """None: another addition. Several streams that a branch is added to at once (Gemma 3n) are the larger operand."""
    if len(operation.operands) != 2:
        return None
    (first, second), (ours, theirs) = operation.operands, operation.lineages
    if first.shape == second.shape:
        return residual_of(ours, theirs)
    residual = residual_of(ours, theirs) if min(first.ndim, second.ndim) > 2 else None
    larger = ours if first.numel() > second.numel() else theirs
    return residual if residual is not None and residual.stream is larger else None


def _join(recorder: Recorder, operation: Operation) -> Lineage:
    """Several tensors become one. What was dropped in the only active one stays dropped."""
    active = operation.active
    if len(active) == 1 and operation.name in ADDITIONS:
        return _elementwise(recorder, operation)
    last_weights = dict.fromkeys(index for lineage in active for index in lineage.last_weights)
    return replace(
        _inherited(recorder, active), segments=merged_segments(active), last_weights=tuple(sorted(last_weights))
    )


def _elementwise(recorder: Recorder, operation: Operation) -> Lineage:
    """Everything else: of several operands (a gate and its input) the one with more history counts."""
    active, name = operation.active, operation.name
    stream = _gated_stream(operation) if name in MULTIPLICATIONS else None
    main = stream or _longest(active)
    is_alone = len(active) == 1
    keeps_values = name in RESHAPINGS or name in SELECTIONS
    is_same_tensor = stream is not None or (is_alone and name in RESHAPINGS | SCALINGS | ADDITIONS)
    inherited = _inherited(recorder, active)
    return replace(
        inherited,
        identity=main.identity if is_same_tensor else inherited.identity,
        ancestors=main.ancestors if is_same_tensor else inherited.ancestors,
        segments=_with_attention_of(active, main.segments),
        nested=main.nested,
        is_probability=name in SOFTMAXES or (main.is_probability and keeps_values),
        dropouts=main.dropouts if keeps_values or is_same_tensor else (),
    )


def _with_attention_of(operands: list[Lineage], segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """A gate that attention's output is multiplied with becomes a part of attention."""
    attentions = frozenset[int]().union(*(segment.attentions for segment in merged_segments(operands)))
    return tuple(
        segment if attentions == segment.attentions else replace(segment, attentions=attentions, output_of=[])
        for segment in segments
    )
