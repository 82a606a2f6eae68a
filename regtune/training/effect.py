"""What the regularization settings did to this model: counted on the built model and optimizer, not on the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from regtune.models.dropout_sites import DropoutSite

__all__ = ["DropoutSite", "Effect"]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The effect panel's facts."""

    finetune: str  # full, head, lora or last-N
    trained_parameters: int
    all_parameters: int
    trained_part: str  # in words; empty: all of it
    dropout_sites: tuple[DropoutSite, ...]
    drop_path: tuple[float, ...]  # of each branch that can be skipped, in the order of execution; empty: not set
    dropout_notes: tuple[str, ...]  # e.g. "embedding dropout follows hidden: one field governs both"
    decayed_tensors: int
    decayed_parameters: int
    undecayed_tensors: int
    undecayed_parameters: int
    total_shrink: float  # 1 − Π(1 − lr_t·λ) over all planned steps: share of a weight's size that decay alone removes
    augmentation: dict[str, float]  # strength by operation, of those that are on
    augmented_rows: tuple[int, int]  # rows that an epoch changes, of how many looked at
    weight_decay: float
    weight_decay_target: str
    smoothing: float
    classes: int  # K of the smoothing formula
    earliest_stop_epoch: float | None  # None: early stopping is off or cannot fire before the last epoch
    patience: int | None

    def to_dict(self) -> dict[str, Any]:
        """For run.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Effect:
        """The inverse of `to_dict`, also after a turn through JSON, which has no tuples."""
        sites = tuple(DropoutSite(**site) for site in facts["dropout_sites"])
        return cls(
            **{
                **facts,
                "drop_path": tuple(facts["drop_path"]),
                "dropout_notes": tuple(facts["dropout_notes"]),
                "augmented_rows": tuple(facts["augmented_rows"]),
                "dropout_sites": sites,
            }
        )
