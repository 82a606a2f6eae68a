"""What must be equal on every machine that works on a study: rows, split, classes, pretrained weights, version."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json

from regtune.models.finetune import pretrained_fingerprint
from regtune.training.setup import Setup
from regtune.training.train import fingerprints


def fingerprint(setup: Setup) -> dict[str, str]:
    """By name, a digest or version; independent of where the files lie."""
    data = fingerprints(setup.splits.facts)
    found = {name: value if isinstance(value, str) else _digest(value) for name, value in data.items()}
    found["pretrained weights"] = pretrained_fingerprint(
        setup.loaded.model, new_parameters=setup.capacity.new_parameters
    )
    found["version of regtune"] = importlib.metadata.version("regtune")
    return found


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
