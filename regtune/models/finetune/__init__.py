"""Train less than the whole model: `model.finetune: full | head | lora | last-N`.

    full      every parameter
    head      what is new for the task; the frozen trunk's features are computed once per row
    last-N    the last N of the model's blocks, what follows them, and the head
    lora      low-rank updates beside the trunk's layers, and the head

How it works, without knowing any architecture by name: one probe forward records which module runs when (`calls`);
where the head and the blocks begin follows from it (`parts`); what comes before is frozen and held in evaluation mode
(`freeze`), so that its features can be computed once (`features`, `collect`, `feature_store`, `replay`). `lora` is
peft. Checkpoints hold what trains (`state`).
"""

from regtune.models.finetune.features import CachedFeatures, cache_features
from regtune.models.finetune.freeze import Trained, freeze, held_sites, hold_in_evaluation
from regtune.models.finetune.lora import Lora, add_lora, load_adapter
from regtune.models.finetune.state import (
    frozen_fingerprint,
    pretrained_fingerprint,
    restore_trained,
    trained_state,
)

__all__ = [
    "CachedFeatures",
    "Lora",
    "Trained",
    "add_lora",
    "cache_features",
    "freeze",
    "frozen_fingerprint",
    "held_sites",
    "hold_in_evaluation",
    "load_adapter",
    "pretrained_fingerprint",
    "restore_trained",
    "trained_state",
]
