"""Run a model for a look at it, and leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedConfig


@contextmanager
def probing(model: nn.Module) -> Iterator[None]:
    """Train mode without gradients or skipped layers; afterwards random state, buffers and flags are as before."""
    flags = {module: module.training for module in model.modules()}
    buffers = [
        (buffer, buffer.detach().clone()) for buffer in model.buffers()
    ]  # BatchNorm's statistics move in training
    try:
        with random_state_kept(), no_layer_skipped(model), torch.no_grad():
            model.train()
            yield
    finally:
        for module, flag in flags.items():
            module.training = flag
        for buffer, value in buffers:
            buffer.data.copy_(value)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """What is drawn inside is not missed outside. Covers the CPU and, where CUDA is in use, every GPU."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=list(devices)):
        yield


@contextmanager
def no_layer_skipped(model: nn.Module) -> Iterator[None]:
    """Layer drop off: a layer skipped by chance would not be seen. Modules keep it as an attribute or in a config."""
    holders = [*model.modules(), *(config for _, config in module_configs(model))]
    rates = [(holder, name, rate) for holder in holders for name, rate in vars(holder).items() if "layerdrop" in name]
    for holder, name, _ in rates:
        setattr(holder, name, 0.0)
    try:
        yield
    finally:
        for holder, name, rate in rates:
            setattr(holder, name, rate)


def module_configs(model: nn.Module) -> list[tuple[str, PreTrainedConfig]]:
    """Every config that a module holds, once, with the first such module's path. Some are copies (T5's decoder)."""
    found: dict[int, tuple[str, PreTrainedConfig]] = {}
    for path, module in model.named_modules():
        config = vars(module).get("config")
        if isinstance(config, PreTrainedConfig):
            found.setdefault(id(config), (path, config))
    return list(found.values())
