"""Where a model's head is and where its blocks are, found by structure and by order of execution, not by name."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.finetune.calls import Calls

# A list with less of the trunk's parameters is something else than its blocks, e.g. a list of norms.
SHARE_OF_BLOCKS = 0.1


def head_parameters(model: PreTrainedModel, new_parameters: Sequence[str]) -> frozenset[str]:
    """Names of the parameters that exist for the task: those outside of the pretrained base model, and new ones in it.

    new_parameters: names that the checkpoint lacked, e.g. a pooler; in a model built from scratch, where all of the
    base is new, only what is outside of it counts. Empty for language models: their output layer is the vocabulary's.
    """
    if model.get_output_embeddings() is not None:
        return frozenset()
    names = {name for name, _ in model.named_parameters()}
    in_base = names if model.base_model is model else names_of(model, model.base_model)
    new_in_base = in_base & set(new_parameters)
    return frozenset((names - in_base) | (set() if new_in_base == in_base else new_in_base))


def names_of(model: nn.Module, part: nn.Module) -> set[str]:
    """The model's names of the parameters that are in a part of it."""
    members = set(part.parameters())
    return {name for name, parameter in model.named_parameters() if parameter in members}


def owners(model: nn.Module) -> dict[nn.Parameter, list[str]]:
    """Paths of the modules that hold each parameter directly; a tied parameter has several."""
    result: dict[nn.Parameter, list[str]] = {}
    for path, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            result.setdefault(parameter, []).append(path)
    return result


def maximal_modules(model: nn.Module, parameters: set[nn.Parameter]) -> tuple[str, ...]:
    """Paths of the outermost modules that have parameters, and none but these. In model order."""
    found: list[str] = []
    for path, module in model.named_modules():
        members = set(module.parameters())
        if members and members <= parameters and not is_inside(path, found):
            found.append(path)
    return tuple(found)


def is_inside(path: str, modules: Sequence[str]) -> bool:
    """Whether a module is one of these or part of one."""
    return any(path == module or path.startswith(f"{module}.") or module == "" for module in modules)


def block_begins(model: PreTrainedModel, calls: Calls, head: frozenset[str]) -> tuple[int, ...]:
    """When each of the model's blocks begins, on the clock of `calls`; in encoder-decoders: of the decoder's blocks.

    The blocks are the outermost `nn.ModuleList` that runs last in the trunk and holds a tenth of it. Lists that run in
    step with it (XLM keeps its attentions and its feed-forward layers in two) make up its blocks together. Raises
    ConfigError when there is none.
    """
    in_trunk = {parameter for name, parameter in model.named_parameters() if name not in head}
    size = sum(parameter.numel() for parameter in in_trunk)
    lists: dict[str, list[str]] = {}  # list → its modules, in order of execution
    large: list[str] = []
    for path, module in model.named_modules():
        members = [f"{path}.{index}" for index in range(len(module))] if isinstance(module, nn.ModuleList) else []
        if not members or not all(member in calls.spans for member in members) or is_inside(path, list(lists)):
            continue
        lists[path] = sorted(members, key=calls.begin)
        if sum(parameter.numel() for parameter in set(module.parameters()) & in_trunk) >= SHARE_OF_BLOCKS * size:
            large.append(path)
    if not large:
        raise ConfigError(
            f"model.finetune: {type(model).__name__} has no list of blocks to take the last from",
            hint="use model.finetune=full, head or lora",
        )
    last = lists[max(large, key=lambda path: calls.spans[lists[path][-1]].end)]
    in_step = [
        members
        for members in lists.values()
        if len(members) == len(last)
        and calls.begin(members[0]) <= calls.spans[last[0]].end
        and calls.begin(last[0]) <= calls.begin(members[-1])
    ]  # `last` is among them
    return tuple(min(calls.begin(member) for member in block) for block in zip(*in_step, strict=True))
