"""Where a run computes, and whether the hardware can do what was asked."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

import torch

from regtune.config.schema import TrainingSettings
from regtune.errors import EnvironmentFault
from regtune.training.launch import read_place


def choose_device(settings: TrainingSettings) -> torch.device:
    """The device for these settings. Raises EnvironmentFault when it, or the precision asked for, is not there."""
    place = read_place()
    available = torch.cuda.is_available()
    if settings.device == "cuda" and not available:
        raise EnvironmentFault(
            "training.device: cuda was asked for, but torch sees no GPU", hint="use training.device=cpu"
        )
    device = torch.device("cuda", place.local_rank) if available and settings.device != "cpu" else torch.device("cpu")
    if device.type == "cuda" and place.local_count > torch.cuda.device_count():
        raise EnvironmentFault(
            f"{place.local_count} processes were started on this machine, but torch sees {torch.cuda.device_count()} "
            "GPUs",
            hint="start one process for each GPU, or use training.device=cpu",
        )
    if settings.precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise EnvironmentFault(
            f"training.precision: {torch.cuda.get_device_name(device)} has no bfloat16",
            hint="use training.precision=float32",
        )
    return device


def describe_device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"cpu, {torch.get_num_threads()} threads"


def describe_environment(device: torch.device) -> dict[str, Any]:
    """For environment.json: versions and hardware; no host, user or path."""
    packages = ("regtune", "torch", "transformers", "accelerate", "tokenizers", "safetensors", "numpy")
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": describe_device(device),
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }
