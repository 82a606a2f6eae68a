"""Run the frozen modules over all rows and keep what the head reads of their outputs.

Where the head begins is not asked of any architecture. The outputs of the frozen modules are cut off from the trunk,
and a gradient of NaN is sent back from the logits: whatever the head reads, at whichever position, comes back NaN (NaN
times anything is NaN), whatever it does not read comes back 0. Only that is kept: for RoBERTa and ViT the first
position, for Llama each row's last token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree
from transformers import PreTrainedModel

from regtune.models.finetune.calls import evaluating
from regtune.models.finetune.feature_store import FeatureCollector, NotCacheable, TokenAxis
from regtune.models.finetune.replay import Part, Replay, token_length

Batch = dict[str, Tensor]


@dataclass
class Leaf:
    """A leaf of a module's output while features are collected."""

    example: Any  # as in the last batch
    collector: FeatureCollector = field(default_factory=FeatureCollector)
    is_read: bool = False
    is_as_long_as_tokens: bool = True  # in every batch so far

    def part(self) -> Part:
        if self.is_read:
            return Part(features=self.collector.finish(), constant=None)
        if isinstance(self.example, Tensor):
            shape = tuple(self.example.shape)
            return Part(None, None, shape, self.example.dtype, is_as_long_as_tokens=self.is_as_long_as_tokens)
        is_plain = isinstance(self.example, bool | int | float | str)
        return Part(features=None, constant=self.example if is_plain else None)  # e.g. a key-value cache


def collect(
    model: PreTrainedModel,
    replay: Replay,
    batches: Iterable[Batch],
    logits_of: Callable[[Batch], Tensor],
    *,
    largest_bytes: int,
) -> int:
    """Fill the stand-ins with the features of all batches, in this order; returns their size in bytes.

    logits_of: a forward pass, (batch, …) float32. Raises NotCacheable, with the reason.
    """
    leaves: dict[str, list[Leaf]] = {}
    structures: dict[str, _pytree.TreeSpec] = {}
    size = 0
    for batch in batches:
        _collect_batch(model, replay, batch, logits_of, leaves, structures)
        size = sum(leaf.collector.size_bytes for parts in leaves.values() for leaf in parts)
        if size > largest_bytes:
            raise NotCacheable(f"those of all rows take more than {largest_bytes / 1e6:.0f} MB")
    if not any(leaf.is_read for parts in leaves.values() for leaf in parts):
        raise NotCacheable("the logits do not depend on them")
    for path, stand_in in replay.stand_ins.items():
        stand_in.layout = (structures[path], [leaf.part() for leaf in leaves[path]])
    return size


def _collect_batch(
    model: PreTrainedModel,
    replay: Replay,
    batch: Batch,
    logits_of: Callable[[Batch], Tensor],
    leaves: dict[str, list[Leaf]],
    structures: dict[str, _pytree.TreeSpec],
) -> None:
    axis = token_axis(model, batch)
    cut: list[tuple[Leaf, Tensor]] = []  # the tensors at which the head is cut off

    def watch(path: str, output: Any) -> Any:
        values, structures[path] = _pytree.tree_flatten(output)
        known = leaves.setdefault(path, [Leaf(value) for value in values])
        for position, (leaf, value) in enumerate(zip(known, values, strict=True)):
            leaf.example = value
            if isinstance(value, Tensor):
                leaf.is_as_long_as_tokens &= value.ndim > 1 and value.shape[1] == axis.length
                if value.is_floating_point():
                    source = value.detach().requires_grad_()
                    cut.append((leaf, source))
                    values[position] = source.clone()  # XLM multiplies it in place
        return _pytree.tree_unflatten(values, structures[path])

    with evaluating(model), torch.enable_grad(), replay.watching(watch):
        logits = logits_of(batch)
    sources = [source for _, source in cut]
    gradients = torch.autograd.grad(logits, sources, torch.full_like(logits, torch.nan), allow_unused=True)
    for (leaf, source), gradient in zip(cut, gradients, strict=True):
        if gradient is not None:
            if source.ndim < 2 or len(source) != len(logits):
                raise NotCacheable("what trains reads a tensor that all rows share")
            leaf.is_read = True
            leaf.collector.add(source, gradient.isnan(), axis)


def token_axis(model: PreTrainedModel, batch: Batch) -> TokenAxis:
    """Where the tokens of a batch are, by its attention mask."""
    length = token_length(model, batch)
    mask = batch.get("attention_mask")
    if mask is None or mask.shape != (len(mask), length):
        return TokenAxis(length=length, is_token=None, is_left_padded=False)
    return TokenAxis(length=length, is_token=mask.bool(), is_left_padded=not bool(mask[:, 0].all()))
