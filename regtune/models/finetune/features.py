"""`model.finetune: head`: what the frozen trunk says about each row is computed once; training then runs the head only.

What is kept is the trunk's output, before any dropout of the head's, which goes on acting at every step. Two batches of
mixed length are then run both ways; if they differ, nothing is cached. Works for `last-N` as well, where it takes the
memory of every token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.models.finetune.calls import evaluating, model_inputs, record_calls
from regtune.models.finetune.collect import collect, token_axis
from regtune.models.finetune.feature_store import NotCacheable
from regtune.models.finetune.replay import CACHED_ROW, Replay

Row = dict[str, Any]
Collate = Callable[[Sequence[Row]], dict[str, Tensor]]

BATCH_SIZE = 32
LARGEST_BYTES = 1 << 30  # 1 GiB: 10,000 rows of 70 tokens for a token-level head on 384 features
# Relative to the largest logit. Another padding rounds differently (1e-6 seen in float32); a wrong row is off by 0.1.
TOLERANCE, TOLERANCE_BFLOAT16 = 1e-4, 5e-2


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
    `collate` takes them; a batch of returned rows must keep CACHED_ROW. bfloat16: as in training. Rows that change at
    every epoch (data augmentation) must not come here. Where the features cannot be kept, rows come back as they were,
    the trunk goes on running in evaluation mode without gradients, and the note says so.
    """
    everything = [row for side in rows.values() for row in side]
    try:
        modules = _modules_to_replace(model, held, collate(everything[:2]))
        size, numbered = _cache(model, modules, everything, collate, bfloat16, largest_bytes)
    except NotCacheable as reason:
        note = f"frozen features are computed anew at every step: {reason}"
        return CachedFeatures({name: list(side) for name, side in rows.items()}, note, size_bytes=0)
    sides = iter(numbered)
    return CachedFeatures(
        rows={name: [next(sides) for _ in side] for name, side in rows.items()},
        note=f"frozen features of {len(everything)} rows are kept in memory ({size / 1e6:.1f} MB), an epoch runs only "
        "what trains",
        size_bytes=size,
    )


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


def _cache(
    model: PreTrainedModel,
    modules: tuple[str, ...],
    rows: Sequence[Row],
    collate: Collate,
    bfloat16: bool,
    largest_bytes: int,
) -> tuple[int, list[Row]]:
    """(bytes, the rows with CACHED_ROW). When it raises, the model is as it was."""

    def batch_of(chosen: Sequence[Row]) -> dict[str, Tensor]:
        return model_inputs(model, collate(chosen))

    def logits_of(batch: dict[str, Tensor]) -> Tensor:
        with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bfloat16):
            logits: Tensor = model(**batch).logits
        return logits.float()

    # By length, so that little is padding: each row's number is its place in this order.
    order = sorted(range(len(rows)), key=lambda index: len(rows[index][model.main_input_name]))
    in_order = [rows[index] for index in order]
    numbered = [{**row, CACHED_ROW: number} for number, row in enumerate(in_order)]
    replay = Replay(model, modules)
    try:
        batches = (batch_of(in_order[start : start + BATCH_SIZE]) for start in range(0, len(rows), BATCH_SIZE))
        size = collect(model, replay, batches, logits_of, largest_bytes=largest_bytes)
        stride = max(1, len(rows) // BATCH_SIZE)
        for start in (0, stride // 2):  # short and long rows in one batch
            plain = batch_of(in_order[start::stride][:BATCH_SIZE])
            replayed = batch_of(numbered[start::stride][:BATCH_SIZE])
            with evaluating(model), torch.no_grad():
                difference = _difference(logits_of(plain), logits_of(replayed), token_axis(model, plain).is_token)
            if not difference <= (TOLERANCE_BFLOAT16 if bfloat16 else TOLERANCE):  # NaN is too much as well
                raise NotCacheable(f"a replay gives other logits (relative difference {difference:.2g})")
    except BaseException:  # not cacheable, out of memory, Ctrl-C
        replay.remove()
        raise
    row_at = dict(zip(order, numbered, strict=True))
    return size, [row_at[index] for index in range(len(rows))]


def _difference(expected: Tensor, got: Tensor, is_token: Tensor | None) -> float:
    """Largest difference relative to the largest logit (1 at least); of logits per token: where there is no padding."""
    difference = (expected - got).abs()
    if is_token is not None and expected.ndim > 2 and expected.shape[:2] == is_token.shape:
        difference = difference[is_token]
    return float(difference.max()) / max(1.0, float(expected.abs().max()))
