"""`model.finetune`: how much of the loaded model trains, from the moment it is loaded to the moment it is saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from regtune.config.schema import ModelSettings
from regtune.data.encode import Collator, EncodedRows
from regtune.models.finetune import Lora, Trained, add_lora, cache_features, freeze
from regtune.models.load import LoadedModel
from regtune.tasks import Task


@dataclass(frozen=True)
class Capacity:
    """What trains of a model. lora: None unless finetune is lora. new_parameters: random ones, under today's names."""

    settings: ModelSettings
    trained: Trained
    lora: Lora | None
    new_parameters: tuple[str, ...]

    @property
    def saves_adapter(self) -> bool:
        return self.lora is not None and self.settings.lora.save == "adapter"


def limit_capacity(loaded: LoadedModel, settings: ModelSettings, probe: dict[str, Tensor], *, seed: int) -> Capacity:
    """Freeze what shall not train, in place. Raises ConfigError where the model cannot be trained so."""
    if settings.finetune != "lora":
        trained = freeze(loaded.model, settings.finetune, new_parameters=loaded.new_parameters, probe=probe)
        return Capacity(settings, trained, None, loaded.new_parameters)
    lora = add_lora(
        loaded.model,
        rank=settings.lora.rank,
        alpha=settings.lora.alpha,
        dropout=settings.lora.dropout,
        new_parameters=loaded.new_parameters,
        probe=probe,
        seed=seed,
    )
    return Capacity(settings, lora.trained, lora, lora.new_parameters)


def with_features(
    loaded: LoadedModel,
    capacity: Capacity,
    rows: dict[str, EncodedRows],
    task: Task,
    collate: Collator,
    *,
    bfloat16: bool,
) -> tuple[dict[str, EncodedRows], str]:
    """Rows, by side, that hold the frozen trunk's features where they can be kept; and a note on that."""
    features = {side: encoded.features for side, encoded in rows.items()}
    lengths = {side: encoded.lengths for side, encoded in rows.items()}
    cached = cache_features(
        loaded.model,
        capacity.trained.held,
        features,
        lambda chosen: task.model_inputs(collate(chosen)),
        lengths=lengths,
        bfloat16=bfloat16,
    )
    return {side: replace(encoded, features=cached.rows[side]) for side, encoded in rows.items()}, cached.note


def merge_updates(capacity: Capacity) -> bool:
    """Make LoRA's updates part of the weights, where the model is saved so; True when there were any."""
    if capacity.lora is not None and not capacity.saves_adapter:
        capacity.lora.merge()
        return True
    return False


def save_model(loaded: LoadedModel, capacity: Capacity, folder: Path) -> None:
    """Write the model as `save_pretrained` does, or as peft's adapter."""
    if capacity.lora is not None and capacity.saves_adapter:
        capacity.lora.save_adapter(folder, base=capacity.settings.name)
    else:
        loaded.model.save_pretrained(folder)
