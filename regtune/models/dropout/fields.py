"""Which field of the model's config governs which knob: found by building the architecture once more, without weights.

Names prove nothing (`attention_dropout` is the probabilities in one model, the attention output in the next), so every
dropout field of a config copy gets a value of its own, and the value that a module was built with names its field.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from huggingface_hub.errors import StrictDataclassFieldValidationError
from transformers import PreTrainedConfig, PreTrainedModel

from regtune.models.dropout.knobs import Knob, find_knobs, is_dropout, trial_values
from regtune.models.trace import random_state_kept


@dataclass(frozen=True)
class Fields:
    """What the config's dropout fields govern."""

    field_by_name: dict[tuple[str, str], str]  # Knob.name → field, in a model where every field is above 0
    own_names: frozenset[tuple[str, str]]  # Knob.name of the knobs that the model at hand has

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that govern something, in model order."""
        return tuple(dict.fromkeys(self.field_by_name.values()))

    def field(self, knob: Knob) -> str | None:
        return None if knob.is_added else self.field_by_name.get(knob.name)

    def is_complete(self, field: str) -> bool:
        """False: above 0 the field would govern a module that this model, built with 0, has not got (ModernBERT)."""
        return all(name in self.own_names for name, owner in self.field_by_name.items() if owner == field)


def governing_fields(model: PreTrainedModel, *, fill_unset: bool) -> Fields:
    """fill_unset: count fields that are None, too, which then stop falling back to another field's value."""
    config = copy.deepcopy(model.config)
    names = [
        name for name, value in vars(config).items() if is_dropout(name, 0.0 if fill_unset and value is None else value)
    ]
    field_by_value = {
        value: name
        for name, value in zip(names, trial_values(len(names)), strict=True)
        if _accepts(config, name, value)
    }
    # On the meta device tensors have shapes and no memory: a large model takes milliseconds.
    with random_state_kept(), torch.device("meta"):
        twin = type(model)(config)
    return Fields(
        field_by_name={
            knob.name: field_by_value[knob.value] for knob in find_knobs(twin) if knob.value in field_by_value
        },
        own_names=frozenset(knob.name for knob in find_knobs(model) if not knob.is_added),
    )


def _accepts(config: PreTrainedConfig, field: str, value: float) -> bool:
    """Set the field; False when its declared type is int (MPT), where no probability but 0 can be written."""
    try:
        setattr(config, field, value)
    except StrictDataclassFieldValidationError:
        return False
    return True
