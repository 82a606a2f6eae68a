"""Freeze what shall not train. Frozen modules that run before the trained ones are held in evaluation mode: their
dropout would only blur features that nothing downstream can make better, and BatchNorm would go on moving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MethodType

from torch import Tensor, nn
from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.dropout_sites import DropoutSite
from regtune.models.finetune.calls import Calls, record_calls
from regtune.models.finetune.parts import block_begins, head_parameters, is_inside, maximal_modules, owners

LAST = "last-"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What trains, for the effect panel, and what is held in evaluation mode.

    modules: the outermost modules that train whole, in model order. blocks: (trained, all) blocks for `last-N`, else
    None. updated_layers: frozen layers with LoRA beside them. held: the outermost modules that run before all that
    trains, frozen or without parameters.
    """

    mode: str
    trainable_parameters: int
    all_parameters: int
    modules: tuple[str, ...]
    blocks: tuple[int, int] | None = None
    updated_layers: int = 0
    held: tuple[str, ...] = ()


def freeze(model: PreTrainedModel, mode: str, *, new_parameters: Sequence[str], probe: dict[str, Tensor]) -> Trained:
    """Let only what `mode` names train, in place: full, head or last-N (`lora` is `add_lora`).

    new_parameters: names that the checkpoint lacked. probe: a small batch as the collator makes it. Token embeddings
    and the vocabulary of a language model's output stay frozen unless `full`. Dropout is placed after this, and
    `hold_in_evaluation(model, trained.held)` comes after that: placing traces the model in training mode. Raises
    ConfigError where the model has no head of its own, no blocks, or fewer than N.
    """
    if mode == "full":
        return _trained(model, mode, held=())
    calls = record_calls(model, probe)
    head = head_parameters(model, new_parameters)
    blocks: tuple[int, int] | None = None
    if mode == "head":
        if not head:
            raise ConfigError(
                f"model.finetune: head needs a head that is new for the task, and {type(model).__name__} has none",
                hint="use model.finetune=lora or model.finetune=last-1",
            )
        trained = {parameter for name, parameter in model.named_parameters() if name in head}
    else:
        blocks, trained = _last_blocks(model, int(mode.removeprefix(LAST)), calls, head)
    for parameter in model.parameters():
        parameter.requires_grad_(parameter in trained)
    return _trained(model, mode, held=_modules_before(model, calls, trained), blocks=blocks)


def _last_blocks(
    model: PreTrainedModel, wanted: int, calls: Calls, head: frozenset[str]
) -> tuple[tuple[int, int], set[nn.Parameter]]:
    """((trained, all) blocks, the parameters that train: in the head, or in no module that begins before the blocks)"""
    begins = block_begins(model, calls, head)
    if wanted > len(begins):
        raise ConfigError(
            f"model.finetune: last-{wanted} asks for more than the {len(begins)} blocks of {type(model).__name__}",
            hint=f"use last-1 to last-{len(begins)}, or full",
        )
    begin = begins[-wanted]
    vocabulary = set() if (output := model.get_output_embeddings()) is None else set(output.parameters())
    holders = owners(model)
    trained = {
        parameter
        for name, parameter in model.named_parameters()
        if name in head
        or (parameter not in vocabulary and all(calls.begin(path) >= begin for path in holders[parameter]))
    }
    return (wanted, len(begins)), trained


def _modules_before(model: nn.Module, calls: Calls, trained: set[nn.Parameter]) -> tuple[str, ...]:
    """The outermost modules, frozen or without parameters, that run before all that trains, in model order.

    A module without parameters counts when something frozen runs after it: dropout between the trunk and the head is
    the head's, and a module that is used again further on (T5's one dropout) is not held.
    """
    paths = [path for path, _ in model.named_modules() if path in calls.spans]
    holding = [path for path in paths if trained.intersection(model.get_submodule(path).parameters(recurse=False))]
    begin = min(calls.begin(path) for path in holding)
    frozen = [
        path
        for path in maximal_modules(model, set(model.parameters()) - trained)
        if path in calls.spans and calls.spans[path].end < begin
    ]
    end = max((calls.spans[path].end for path in frozen), default=0)
    held: list[str] = []
    for path in paths:
        is_bare = next(model.get_submodule(path).parameters(), None) is None and calls.spans[path].end < end
        if (path in frozen or is_bare) and not is_inside(path, held):
            held.append(path)
    return tuple(held)


def _trained(model: nn.Module, mode: str, *, held: tuple[str, ...], blocks: tuple[int, int] | None = None) -> Trained:
    trainable = {parameter for parameter in model.parameters() if parameter.requires_grad}
    return Trained(
        mode=mode,
        trainable_parameters=sum(parameter.numel() for parameter in trainable),
        all_parameters=sum(parameter.numel() for parameter in model.parameters()),
        modules=maximal_modules(model, trainable),
        blocks=blocks,
        held=held,
    )


def hold_in_evaluation(model: nn.Module, held: Sequence[str]) -> None:
    """Put these modules into evaluation mode for good: `model.train()`, which the Trainer calls, passes them by."""
    for path in held:
        module = model.get_submodule(path)
        module.eval()
        module.train = MethodType(_stay, module)  # type: ignore[method-assign]  # of this one instance


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    return module


def held_sites(sites: Sequence[DropoutSite], held: Sequence[str]) -> tuple[DropoutSite, ...]:
    """The dropout sites as they act: probability 0 in modules that are held in evaluation mode."""
    return tuple(replace(site, probability=0.0) if is_inside(site.path, held) else site for site in sites)
