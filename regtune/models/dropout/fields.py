"""Which field of the model's config governs which knob: found by building the architecture once more, without weights.

Names prove nothing (`attention_dropout` is the probabilities in one model, the attention output in the next), so every
dropout field of a config copy gets a value of its own, and the value that a module was built with names its field.
Configs inside the config (`text_config`) take part, under dotted names.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedModel

from regtune.models.dropout.config_fields import dropout_fields, write_field
from regtune.models.dropout.knobs import Knob, find_knobs, trial_values
from regtune.models.trace import random_state_kept


@dataclass(frozen=True)
class Fields:
    """What the config's dropout fields govern."""

    field_by_name: dict[tuple[str, str], str]  # Knob.name → field, in a model where every field is above 0
    absent_names: frozenset[
        tuple[str, str]
    ]  # Knob.name of the modules that the model at hand, built with 0, has not got

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that govern something, in model order."""
        return tuple(dict.fromkeys(self.field_by_name.values()))

    def field(self, knob: Knob) -> str | None:
        return None if knob.is_added else self.field_by_name.get(knob.name)

    def is_complete(self, field: str) -> bool:
        """False: above 0 the field would govern a module that this model, built with 0, has not got (ModernBERT)."""
        return all(self.field_by_name[name] != field for name in self.absent_names)


def governing_fields(model: PreTrainedModel, *, fill_unset: bool) -> Fields:
    """fill_unset: count fields that are None, too, which then stop falling back to another field's value."""
    names = dropout_fields(model.config, fill_unset=fill_unset)
    try:
        twin = _twin(model, names)
    except (ValueError, StrictDataclassError):  # DiffLlama refuses one of its own fields above 0
        names = [name for name in names if _can_be_set(model, name)]
        twin = _twin(model, names)
    field_by_value = dict(zip(trial_values(len(names)), names, strict=True))
    governed = [knob for knob in find_knobs(twin) if knob.value in field_by_value]
    own_names = {knob.name for knob in find_knobs(model) if not knob.is_added}
    return Fields(
        field_by_name={knob.name: field_by_value[knob.value] for knob in governed},
        absent_names=frozenset(knob.name for knob in governed if not knob.is_config and knob.name not in own_names),
    )


def _can_be_set(model: PreTrainedModel, field: str) -> bool:
    try:
        _twin(model, [field])
    except (ValueError, StrictDataclassError):
        return False
    return True


def _twin(model: PreTrainedModel, fields: list[str]) -> PreTrainedModel:
    """The architecture once more, each of the fields at a value of its own. Raises what the architecture raises."""
    config = copy.deepcopy(model.config)
    for field, value in zip(fields, trial_values(len(fields)), strict=True):
        write_field(config, field, value)
    # On the meta device tensors have shapes and no memory: a large model takes milliseconds.
    with random_state_kept(), torch.device("meta"):
        return type(model)(config)
