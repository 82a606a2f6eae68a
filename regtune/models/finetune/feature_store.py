"""One output tensor of a frozen module, for every row: only the positions that the head reads, without padding.

Positions are counted from the side that is not padded, so that a row can be put into a batch of any length.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


class NotCacheable(Exception):
    """Why the features of these rows cannot be kept, in a few words. Never leaves the package."""


@dataclass(frozen=True)
class TokenAxis:
    """Of one batch. length: tokens of its longest row, None: the inputs are no tokens. is_token: (batch, length)."""

    length: int | None
    is_token: Tensor | None  # None: there is no mask
    is_left_padded: bool


@dataclass(frozen=True)
class FeatureTensor:
    """Ready to be looked up. values: (kept positions of all rows, …); a tensor without positions has one a row."""

    values: Tensor
    positions: Tensor  # (kept positions of all rows,) from the side that is not padded
    ends: Tensor  # (rows,) where each row's part of `values` ends
    counts: Tensor  # (rows,)
    has_positions: bool
    fixed_length: int | None  # None: as long as the batch's tokens
    is_left_padded: bool

    def rows(self, ids: Tensor, *, length: int | None) -> Tensor:
        """(batch, …) or (batch, positions, …), zeros where nothing was kept. ids: (batch,) rows."""
        if not self.has_positions:
            return self.values.index_select(0, ids)
        counts, ends = self.counts[ids], self.ends[ids]  # (batch,)
        in_batch = torch.arange(len(ids), device=ids.device).repeat_interleave(counts)  # (kept,)
        nth = torch.arange(len(in_batch), device=ids.device) - (counts.cumsum(0) - counts)[in_batch]
        source = (ends - counts)[in_batch] + nth  # (kept,)
        width = length if self.fixed_length is None else self.fixed_length
        assert width is not None
        positions = self.positions[source]
        batch = self.values.new_zeros(len(ids), width, *self.values.shape[1:])
        batch[in_batch, width - 1 - positions if self.is_left_padded else positions] = self.values[source]
        return batch

    @property
    def size_bytes(self) -> int:
        return self.values.numel() * self.values.element_size()


@dataclass
class FeatureCollector:
    """Gathers one tensor batch by batch, rows in the order in which they come."""

    values: list[Tensor] = field(default_factory=list)
    positions: list[Tensor] = field(default_factory=list)
    positions_from_end: list[Tensor] = field(default_factory=list)
    counts: list[Tensor] = field(default_factory=list)
    widths: set[int] = field(default_factory=set)  # sizes of axis 1
    is_as_long_as_tokens: bool = True  # in every batch so far
    has_mask: bool = True
    has_positions: bool = False
    is_left_padded: bool = False
    size_bytes: int = 0

    def add(self, tensor: Tensor, is_read: Tensor, axis: TokenAxis) -> None:
        """tensor: (batch, …). is_read: the same shape, where the head reads it."""
        tensor = tensor.detach()
        self.has_positions = tensor.ndim > 2  # (batch, features) has none
        if self.has_positions:
            width = tensor.shape[1]
            self.widths.add(width)
            self.is_as_long_as_tokens &= width == axis.length
            kept = is_read.flatten(2).any(-1)  # (batch, positions)
            if self.is_as_long_as_tokens and axis.is_token is not None:
                kept = kept & axis.is_token
            self.is_left_padded |= axis.is_left_padded
            row, position = kept.nonzero(as_tuple=True)
            self.values.append(tensor[row, position])
            self.positions.append(position)
            self.positions_from_end.append(width - 1 - position)
            self.has_mask &= axis.is_token is not None
            self.counts.append(kept.sum(1))
        else:
            self.values.append(tensor.clone())
            self.counts.append(torch.ones(len(tensor), dtype=torch.long, device=tensor.device))
        self.size_bytes += self.values[-1].numel() * self.values[-1].element_size()

    def finish(self) -> FeatureTensor:
        """Raises NotCacheable when a row's positions cannot be told from padding, or do not match its tokens."""
        if len(self.widths) > 1 and not self.is_as_long_as_tokens:
            raise NotCacheable("the frozen part changes the number of tokens")
        if len(self.widths) > 1 and not self.has_mask:
            raise NotCacheable("batches have no attention_mask")
        positions = self.positions_from_end if self.is_left_padded else self.positions
        counts = torch.cat(self.counts)
        return FeatureTensor(
            values=torch.cat(self.values),
            positions=torch.cat(positions) if positions else torch.empty(0, dtype=torch.long),
            ends=counts.cumsum(0),
            counts=counts,
            has_positions=self.has_positions,
            fixed_length=None if self.is_as_long_as_tokens else next(iter(self.widths), None),
            is_left_padded=self.is_left_padded,
        )
