"""LoRA by peft: low-rank updates beside the frozen layers of the trunk; the head trains whole.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", https://arxiv.org/abs/2106.09685, section 4.1:
W₀x + (alpha/rank)·B·A·x, A random, B zero, so that training starts from the pretrained model. On all linear layers, not
on attention alone: Dettmers et al. 2023, "QLoRA", https://arxiv.org/abs/2305.14314, section 4.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from regtune.errors import ConfigError, EnvironmentFault
from regtune.models.finetune.calls import Calls, record_calls
from regtune.models.finetune.freeze import Trained
from regtune.models.finetune.parts import head_parameters, is_inside, maximal_modules, names_of, owners
from regtune.models.trace import random_state_kept

if TYPE_CHECKING:
    from peft import PeftModel

SAVED_WHOLE = ".modules_to_save."  # in peft's names for what it trains and saves whole


@dataclass(frozen=True)
class Lora:
    """A model with LoRA in it: the model given to `add_lora`, changed in place, stays the one to train and to ask."""

    peft: PeftModel
    trained: Trained
    new_parameters: tuple[str, ...]  # the head's, as their names are now

    def merge(self) -> PreTrainedModel:
        """Add the updates into the weights, in place: a plain model again, equal but for float rounding."""
        return cast(PreTrainedModel, self.peft.merge_and_unload())

    def save_adapter(self, folder: Path, *, base: str) -> None:
        """Write peft's adapter, head included. base: where the pretrained weights are from, a hub id or a folder.

        No config.json: to transformers it would mean that the whole model is there. Labels are for the caller to keep.
        """
        self.peft.peft_config["default"].base_model_name_or_path = base
        # "auto" would ask the hub for the base model's config.
        self.peft.save_pretrained(str(folder), save_embedding_layers=False)


def add_lora(
    model: PreTrainedModel,
    *,
    rank: int,
    alpha: float,
    dropout: float,
    new_parameters: Sequence[str],
    probe: dict[str, Tensor],
    seed: int,
) -> Lora:
    """Put LoRA beside the trunk's layers, in place, and freeze the rest but the head.

    rank: 1 or more. alpha: updates are scaled by alpha/rank. dropout: on what enters A. new_parameters: names that the
    checkpoint lacked. seed: of A. Place regtune's own dropout after this, so that it covers the updates as well.
    Raises EnvironmentFault without peft, ConfigError where no layer can take LoRA.
    """
    _require_peft()
    from peft import LoraConfig, get_peft_model

    head = head_parameters(model, new_parameters)
    parameters = dict(model.named_parameters())
    head_modules = maximal_modules(model, {parameters[name] for name in head})
    covered = set[str]().union(*(names_of(model, model.get_submodule(path)) for path in head_modules))
    if covered != head:
        raise ConfigError(
            f"model.finetune: lora cannot train {min(head - covered)} of {type(model).__name__}: it is new, and no "
            "module holds new parameters only",
            hint="use model.finetune=full or head",
        )
    all_parameters = sum(parameter.numel() for parameter in parameters.values())
    layers = target_modules(model, record_calls(model, probe), head_modules)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # annotated int, used as a factor
        lora_dropout=dropout,
        target_modules=list(layers),
        modules_to_save=list(head_modules) or None,
    )
    with random_state_kept(), _expected_warnings_off():
        torch.manual_seed(seed)
        wrapped = get_peft_model(model, config)
    trainable = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    in_head = tuple(name for name in trainable if SAVED_WHOLE in name)
    updates = sum(parameter.numel() for name, parameter in trainable.items() if name not in in_head)
    return Lora(
        peft=cast("PeftModel", wrapped),
        trained=Trained(
            mode="lora",
            trainable_parameters=sum(parameter.numel() for parameter in trainable.values()),
            all_parameters=all_parameters + updates,  # the untrained copy of the head that peft keeps is not counted
            modules=head_modules,
            updated_layers=len(layers),
        ),
        new_parameters=in_head,
    )


def load_adapter(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The base model with a saved adapter merged in: plain, ready to be asked. model: as `add_lora` was given it."""
    _require_peft()
    from peft import PeftModel

    with _expected_warnings_off():
        return cast(PreTrainedModel, PeftModel.from_pretrained(model, str(folder)).merge_and_unload())


def target_modules(model: PreTrainedModel, calls: Calls, head_modules: Sequence[str]) -> tuple[str, ...]:
    """The trunk's linear layers that the probe ran; where there is none, its convolutions over all channels.

    Never the head, the vocabulary of a language model's output, or a layer whose weights another module shares.
    """
    output = model.get_output_embeddings()
    holders = owners(model)
    candidates = [
        (path, module)
        for path, module in model.named_modules()
        if path in calls.spans
        and module is not output
        and not is_inside(path, head_modules)
        and all(len(holders[parameter]) == 1 for parameter in module.parameters(recurse=False))
    ]
    linear = tuple(path for path, module in candidates if isinstance(module, nn.Linear | Conv1D))
    convolutions = tuple(path for path, module in candidates if isinstance(module, nn.Conv2d) and module.groups == 1)
    if not (linear or convolutions):
        raise ConfigError(
            f"model.finetune: {type(model).__name__} has no layer that LoRA can be put beside",
            hint="use model.finetune=full, head or last-N",
        )
    return linear or convolutions


@contextlib.contextmanager
def _expected_warnings_off() -> Iterator[None]:
    """peft 0.21 asks transformers for an attribute that was renamed, and says that it found GPT-2's kind of layer."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing|fan_in_fan_out is set to False")
        yield


def _require_peft() -> None:
    if find_spec("peft") is None:
        raise EnvironmentFault(
            "model.finetune: lora needs the Python package peft, which is not installed",
            hint='pip install "regtune[lora]"',
        )
