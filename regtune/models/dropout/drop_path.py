"""Stochastic depth: set the probability that a whole residual branch is skipped, where the architecture has it.

An architecture that has it builds a module that drops paths for every branch, or none where the probability is 0, and
mostly lets the probability grow with depth. So it is built once more, without weights, with the probability asked for;
what it then has and the model at hand has not is carried over.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.dropout.config_fields import accepts_probability, config_fields, is_dropout, read_field, write_field
from regtune.models.dropout_sites import DropoutSite
from regtune.models.trace import random_state_kept

FIELD = "drop_path_rate"  # what every architecture with stochastic depth calls it, in one of its configs


def set_drop_path(model: PreTrainedModel, probability: float) -> tuple[DropoutSite, ...]:
    """Let the last branches be skipped with `probability`, in [0, 1), earlier ones as the architecture spreads it:
    mostly linearly from 0 at the first, with one value for all in DINOv2.

    Call it before `place_dropout`, which may hook dropout to modules that are replaced here. Returns every place with
    its own probability; the config says the same, so that it is saved with the model. Raises ConfigError for a
    probability above 0 where the architecture has no stochastic depth.
    """
    fields = [field for field in config_fields(model.config) if _is_drop_path(model, field)]
    plain = _built_with(model, fields, 0.0)
    twin = _built_with(model, fields, probability or 0.5)
    places = _differences(plain, twin)
    if probability and not places:
        name = type(model).__name__
        raise ConfigError(
            f"regularization.drop_path: {name} has no stochastic depth (no config field {FIELD} "
            f"that takes a fraction), got {probability}",
            hint="leave drop_path out; regularization.dropout works for every architecture",
        )
    source = twin if probability else plain
    for path, attribute in places.items():
        _carry_over(model, source.get_submodule(path), path, attribute)
    for field in fields:
        write_field(model.config, field, read_field(source.config, field))
    return tuple(
        DropoutSite(
            path=path,
            kind="drop_path",
            probability=getattr(source.get_submodule(path), attribute) if probability else 0.0,
            origin=f"field {FIELD}",
        )
        for path, attribute in places.items()
    )


def _is_drop_path(model: PreTrainedModel, field: str) -> bool:
    """One number, that may be a fraction (LeViT's may not), or one for each stage (CvT)."""
    is_list = isinstance(read_field(model.config, field), list | tuple)
    return field.split(".")[-1] == FIELD and (is_list or accepts_probability(model.config, field))


def _built_with(model: PreTrainedModel, fields: list[str], probability: float) -> PreTrainedModel:
    """The architecture without weights: on the meta device tensors have shapes and no memory."""
    config = copy.deepcopy(model.config)
    for field in fields:
        write_field(config, field, _spread(read_field(config, field), probability))
    with random_state_kept(), torch.device("meta"):
        return type(model)(config)


def _spread(value: Any, probability: float) -> Any:
    """Of several stages, those that had a probability, the last if none had, take the new one."""
    if not isinstance(value, list | tuple):
        return probability
    stages = [bool(stage) for stage in value]
    if not any(stages):
        stages[-1] = True
    return type(value)(probability if has_one else 0.0 for has_one in stages)


def _differences(plain: nn.Module, twin: nn.Module) -> dict[str, str]:
    """Path → attribute with the probability, of every module of `twin` that drops paths and those of `plain` do not."""
    before = dict(plain.named_modules())
    places = {}
    for path, module in twin.named_modules():
        for name, value in vars(module).items():
            if is_dropout(name, value) and value != vars(before[path]).get(name, 0.0):
                places[path] = name
    return places


def _carry_over(model: nn.Module, source: nn.Module, path: str, attribute: str) -> None:
    """The same kind of module takes the number; another kind (an identity, where nothing is dropped) is replaced."""
    target = model.get_submodule(path)
    if type(target) is type(source) and attribute in vars(source):
        setattr(target, attribute, getattr(source, attribute))
    else:
        model.set_submodule(path, copy.deepcopy(source).train(target.training))
