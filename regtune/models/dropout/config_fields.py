"""The fields of a config and of the configs inside it, by dotted name: "text_config.attention_dropout"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from huggingface_hub.errors import StrictDataclassFieldValidationError
from transformers import PreTrainedConfig


def is_dropout(name: str, value: object) -> bool:
    """Whether an attribute or config field is a dropout probability. Layer drop skips whole layers: something else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and "drop" in name and "layerdrop" not in name


def own_dropout_fields(config: PreTrainedConfig, *, fill_unset: bool = False) -> list[str]:
    """Fields of this config alone that can hold a probability. fill_unset: those that are None as well."""
    values = {name: 0.0 if fill_unset and value is None else value for name, value in vars(config).items()}
    return [name for name, value in values.items() if is_dropout(name, value) and accepts_probability(config, name)]


def dropout_fields(config: PreTrainedConfig, *, fill_unset: bool) -> list[str]:
    """The same for the config and every config inside it."""
    return [
        prefix + name for prefix, part in _parts(config, "") for name in own_dropout_fields(part, fill_unset=fill_unset)
    ]


def config_fields(config: PreTrainedConfig) -> list[str]:
    """Every field of the config and of the configs inside it."""
    return [prefix + name for prefix, part in _parts(config, "") for name in vars(part)]


def accepts_probability(config: PreTrainedConfig, field: str) -> bool:
    """False when the declared type is int (MPT, LeViT), where no probability but 0 can be written."""
    part, name = _owner(config, field)
    before = getattr(part, name)
    try:
        setattr(part, name, 0.5)
    except StrictDataclassFieldValidationError:
        return False
    setattr(part, name, before)
    return True


def read_field(config: PreTrainedConfig, field: str) -> Any:
    part, name = _owner(config, field)
    return getattr(part, name)


def write_field(config: PreTrainedConfig, field: str, value: Any) -> None:
    part, name = _owner(config, field)
    setattr(part, name, value)


def _owner(config: PreTrainedConfig, field: str) -> tuple[PreTrainedConfig, str]:
    *parents, name = field.split(".")
    for parent in parents:
        config = getattr(config, parent)
    return config, name


def _parts(config: PreTrainedConfig, prefix: str) -> Iterator[tuple[str, PreTrainedConfig]]:
    yield prefix, config
    for name in config.sub_configs:
        part = getattr(config, name)
        if isinstance(part, PreTrainedConfig):  # None: this model has no such tower
            yield from _parts(part, f"{prefix}{name}.")
