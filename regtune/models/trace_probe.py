"""Run code on a model and leave no trace of having done so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def random_state_kept() -> Iterator[None]:
    """What is drawn inside is not missed outside. Covers the CPU and, where CUDA is in use, every GPU."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=list(devices)):
        yield


@contextmanager
def probing(model: nn.Module) -> Iterator[None]:
    """Train mode without gradients; afterwards the random state, buffers and train/eval flags are as before."""
    flags = {module: module.training for module in model.modules()}
    buffers = [
        (buffer, buffer.detach().clone()) for buffer in model.buffers()
    ]  # BatchNorm's statistics move in training
    try:
        with random_state_kept(), torch.no_grad():
            model.train()
            yield
    finally:
        for module, flag in flags.items():
            module.training = flag
        for buffer, value in buffers:
            buffer.data.copy_(value)
