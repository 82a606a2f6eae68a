"""`model.finetune: head`: what the frozen trunk says about each row is computed once; training then runs the head only.

Where the head begins is not asked of any architecture. The outputs of the held modules are cut off from the trunk, and
a gradient of NaN is sent back from the logits: whatever the head reads, at whichever position, comes back NaN (NaN
times anything is NaN), whatever it does not read comes back 0. Only that is kept: for RoBERTa and ViT the first
position, for Llama each row's last token. What is kept is the trunk's output, before any dropout of the head's, which
goes on acting at every step. Two batches of mixed length are then run both ways; if they differ, nothing is cached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree
from transformers import PreTrainedModel

from regtune.models.finetune.calls import evaluating, model_inputs, record_calls
from regtune.models.finetune.feature_store import FeatureCollector, NotCacheable, TokenAxis
from regtune.models.finetune.replay import CACHED_ROW, Part, Replay, token_length

Row = dict[str, Any]
Collate = Callable[[Sequence[Row]], dict[str, Tensor]]

BATCH_SIZE = 32
LARGEST_BYTES = 1 << 30  # 1 GiB: 10,000 rows of 70 tokens for a token-level head on 384 features
# Relative to the largest logit. Another padding rounds differently (1e-6 seen in float32); a wrong row is off by 0.1.
TOLERANCE = {False: 1e-4, True: 5e-2}  # by bfloat16
MEGABYTE = 10**6


@dataclass(frozen=True)
class CachedFeatures:
    """rows: as given, by name; with CACHED_ROW in each where they are cached. note: what was done or why not."""

    rows: dict[str, list[Row]]
    note: str
    size_bytes: int  # 0: nothing is cached


def cache_features(
    model: PreTrainedModel,
    held: Sequence[str],
    rows: Mapping[str, Sequence[Row]],
    collate: Collate,
    *,
    bfloat16: bool = False,
    largest_bytes: int = LARGEST_BYTES,
) -> CachedFeatures:
    """Run the held modules once over all rows; from then on `model(**batch)` of these rows replays their outputs.

    held: `Trained.held`, of a model on its device. rows: by the name of their side, e.g. train and validation, as
    `collate` takes them; a batch of returned rows must keep CACHED_ROW. bfloat16: as in training. Rows that are changed
    at every epoch (data augmentation) must not come here. Where the features cannot be kept, rows come back as they
    were, the trunk goes on running in evaluation mode without gradients, and the note says so.
    """
    everything = [row for side in rows.values() for row in side]
    try:
        modules = _modules_to_replace(model, held, collate(everything[:2]))
    except NotCacheable as reason:
        return _uncached(rows, reason)
    order = sorted(range(len(everything)), key=lambda index: len(everything[index][model.main_input_name]))
    replay = Replay(model, modules)
    run = _Run(model, replay, collate, bfloat16)
    try:
        size = run.collect([everything[index] for index in order], largest_bytes)
        numbers = {index: number for number, index in enumerate(order)}
        numbered = [{**row, CACHED_ROW: numbers[index]} for index, row in enumerate(everything)]
        for start in (0, len(order) // 7):
            mixed = [order[i] for i in range(start, len(order), max(1, len(order) // BATCH_SIZE))][:BATCH_SIZE]
            run.check([everything[i] for i in mixed], [numbered[i] for i in mixed])
    except NotCacheable as reason:
        replay.remove()
        return _uncached(rows, reason)
    except BaseException:  # out of memory, Ctrl-C: the caller has the model as it was
        replay.remove()
        raise
    sides = iter(numbered)
    return CachedFeatures(
        rows={name: [next(sides) for _ in side] for name, side in rows.items()},
        note=f"frozen features of {len(everything)} rows are kept in memory ({size / MEGABYTE:.1f} MB): "
        "an epoch runs only what trains",
        size_bytes=size,
    )


def _uncached(rows: Mapping[str, Sequence[Row]], reason: NotCacheable) -> CachedFeatures:
    note = f"frozen features are computed anew at every step: {reason}"
    return CachedFeatures({name: list(side) for name, side in rows.items()}, note, size_bytes=0)


def _modules_to_replace(model: PreTrainedModel, held: Sequence[str], probe: dict[str, Tensor]) -> tuple[str, ...]:
    """The held modules that have parameters; the others cost nothing. Raises NotCacheable."""
    spans = record_calls(model, probe).spans
    modules = tuple(path for path in held if next(model.get_submodule(path).parameters(), None) is not None)
    if not modules:
        raise NotCacheable("nothing frozen runs before all that trains")
    repeated = [path for path in modules if spans[path].count != 1]
    if repeated:
        raise NotCacheable(f"{repeated[0]} runs more than once in a forward pass")
    return modules


@dataclass
class _Leaf:
    """A leaf of a module's output while features are collected."""

    example: Any  # as in the last batch
    collector: FeatureCollector = field(default_factory=FeatureCollector)
    is_read: bool = False
    is_as_long_as_tokens: bool = True  # in every batch so far


@dataclass(frozen=True)
class _Run:
    """Forward passes over batches, in evaluation mode and the arithmetic of training."""

    model: PreTrainedModel
    replay: Replay
    collate: Collate
    bfloat16: bool

    def collect(self, rows: Sequence[Row], largest_bytes: int) -> int:
        """Fill the stand-ins with the features of all rows, in this order; returns their size in bytes."""
        leaves: dict[str, list[_Leaf]] = {}
        structures: dict[str, _pytree.TreeSpec] = {}
        for start in range(0, len(rows), BATCH_SIZE):
            batch = model_inputs(self.model, self.collate(rows[start : start + BATCH_SIZE]))
            self._collect_batch(batch, leaves, structures)
            size = sum(leaf.collector.size_bytes for parts in leaves.values() for leaf in parts)
            if size > largest_bytes:
                raise NotCacheable(f"those of {len(rows)} rows take more than {largest_bytes / MEGABYTE:.0f} MB")
        if not any(leaf.is_read for parts in leaves.values() for leaf in parts):
            raise NotCacheable("the logits do not depend on them")
        for path, stand_in in self.replay.stand_ins.items():
            stand_in.layout = (structures[path], [_part(leaf) for leaf in leaves[path]])
        return size

    def _collect_batch(
        self, batch: dict[str, Tensor], leaves: dict[str, list[_Leaf]], structures: dict[str, _pytree.TreeSpec]
    ) -> None:
        axis = _token_axis(self.model, batch)
        cut: list[tuple[_Leaf, Tensor]] = []

        def watch(path: str, output: Any) -> Any:
            values, structures[path] = _pytree.tree_flatten(output)
            known = leaves.setdefault(path, [_Leaf(value) for value in values])
            for position, (leaf, value) in enumerate(zip(known, values, strict=True)):
                leaf.example = value
                if isinstance(value, Tensor):
                    leaf.is_as_long_as_tokens &= value.ndim > 1 and value.shape[1] == axis.length
                    if value.is_floating_point():
                        source = value.detach().requires_grad_()
                        cut.append((leaf, source))
                        values[position] = source.clone()  # XLM multiplies it in place
            return _pytree.tree_unflatten(values, structures[path])

        with self._ready(), torch.enable_grad(), self.replay.watching(watch):
            logits = self._logits(batch)
        gradients = torch.autograd.grad(
            logits, [value for _, value in cut], torch.full_like(logits, torch.nan), allow_unused=True
        )
        for (leaf, value), gradient in zip(cut, gradients, strict=True):
            if gradient is not None:
                if value.ndim < 2 or len(value) != len(logits):
                    raise NotCacheable("the head reads something that is not one row per row")
                leaf.is_read = True
                leaf.collector.add(value, gradient.isnan(), axis)

    def check(self, rows: Sequence[Row], numbered: Sequence[Row]) -> None:
        """Raise NotCacheable unless a replay gives the logits of a plain forward pass, on tokens that are no padding."""
        plain = model_inputs(self.model, self.collate(rows))
        replayed = model_inputs(self.model, self.collate(numbered))
        with self._ready(), torch.no_grad():
            expected, got = self._logits(plain), self._logits(replayed)
        difference = (expected - got).abs()
        mask = _token_axis(self.model, plain).is_token
        if mask is not None and expected.shape[:2] == mask.shape and expected.ndim > 2:
            difference = difference[mask]
        limit = TOLERANCE[self.bfloat16] * max(1.0, float(expected.abs().max()))
        if not float(difference.max()) <= limit:
            raise NotCacheable(f"a replay gives other logits (by {float(difference.max()):.2g})")

    def _logits(self, batch: dict[str, Tensor]) -> Tensor:
        with torch.autocast(self.model.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            logits: Tensor = self.model(**batch).logits
        return logits.float()

    def _ready(self) -> Any:
        return evaluating(self.model)


def _token_axis(model: PreTrainedModel, batch: dict[str, Tensor]) -> TokenAxis:
    length = token_length(model, batch)
    mask = batch.get("attention_mask")
    if mask is None or mask.shape != (len(mask), length):
        return TokenAxis(length=length, is_token=None, is_left_padded=False)
    return TokenAxis(length=length, is_token=mask.bool(), is_left_padded=not bool(mask[:, 0].all()))


def _part(leaf: _Leaf) -> Part:
    if leaf.is_read:
        return Part(features=leaf.collector.finish(), constant=None)
    if isinstance(leaf.example, Tensor):
        shape = tuple(leaf.example.shape)
        return Part(None, None, shape, leaf.example.dtype, is_as_long_as_tokens=leaf.is_as_long_as_tokens)
    is_plain = isinstance(leaf.example, bool | int | float | str)
    return Part(features=None, constant=leaf.example if is_plain else None)  # e.g. a key-value cache, for generation
