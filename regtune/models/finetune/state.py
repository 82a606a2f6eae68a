"""What a checkpoint needs of a model that trains in part: what trains, and proof that the rest is what it was.

Frozen weights come from the model's source again, so a checkpoint of a head is kilobytes, not the whole model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import torch
from torch import Tensor, nn

from regtune.errors import EnvironmentFault

SAMPLED_NUMBERS = 4096  # of each frozen tensor: other weights differ nearly everywhere, and 7 GB need not be read


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """Trainable parameters, tied ones once, and persistent buffers (BatchNorm's statistics), by state-dict name."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name in trainable or name not in parameters}


def restore_trained(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Put a `trained_state` back. Raises EnvironmentFault when it is of a model that trains other parameters."""
    expected = trained_state(model).keys()
    different = sorted(expected ^ state.keys())
    if different:
        raise EnvironmentFault(
            f"the checkpoint is of a model in which other parameters train: {len(different)} names differ, "
            f"the first is {different[0]}",
            hint="resume with the versions and the model the run began with, or start a new run",
        )
    model.load_state_dict(state, strict=False)


def frozen_fingerprint(model: nn.Module) -> str:
    """SHA-256 over names, shapes and a sample of the numbers of all frozen parameters, as 64 hex digits.

    Kept with the run and compared on resume: a hub model that was changed since has another one.
    """
    return _sampled_digest({name: each for name, each in model.named_parameters() if not each.requires_grad})


def pretrained_fingerprint(model: nn.Module, *, new_parameters: Collection[str]) -> str:
    """The same over all parameters that came with the model, before the first step: what a sweep's workers share."""
    return _sampled_digest({name: each for name, each in model.named_parameters() if name not in new_parameters})


def _sampled_digest(parameters: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, parameter in parameters.items():
        flat = parameter.detach().flatten()
        sample = flat[:: max(1, flat.numel() // SAMPLED_NUMBERS)].float().cpu().contiguous()
        digest.update(f"{name} {tuple(parameter.shape)}".encode())
        digest.update(sample.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
