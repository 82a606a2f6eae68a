"""Stand-ins for a model's frozen modules: they run as ever, or hand their output to a collector, or replay it.

The model's own forward stays the one that runs, so whatever it does between the trunk and the logits (dropout, pooling
of the last token, regtune's hooks) is done in a replay as well. Nothing of this is in a state dict or a saved model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree
from transformers import PreTrainedModel

from regtune.models.finetune.feature_store import FeatureTensor, NotCacheable

CACHED_ROW = "cached_row"  # a row's number among the cached ones, a feature like its token ids


@dataclass(frozen=True)
class Part:
    """One leaf of a module's output, as a replay gives it back.

    features: None where the head does not read it; it then gets zeros of the shape, for code that asks for the shape.
    """

    features: FeatureTensor | None
    constant: Any  # of a leaf that is no tensor
    shape: tuple[int, ...] = ()
    dtype: torch.dtype | None = None  # None: no tensor
    is_as_long_as_tokens: bool = False

    def rebuild(self, ids: Tensor, length: int | None) -> Any:
        if self.features is not None:
            return self.features.rows(ids, length=length)
        if self.dtype is None:
            return self.constant
        shape = [len(ids), *self.shape[1:]]
        if self.is_as_long_as_tokens and length is not None:
            shape[1] = length
        return torch.zeros(shape, dtype=self.dtype, device=ids.device)


class StandIn:
    """The `forward` of one frozen module."""

    def __init__(self, module: nn.Module) -> None:
        self.original: Callable[..., Any] = module.forward
        self.watch: Callable[[Any], Any] | None = None  # sees the output and may put another in its place
        self.layout: tuple[_pytree.TreeSpec, list[Part]] | None = None
        self.now: tuple[Tensor, int | None] | None = None  # (rows, tokens of the batch) while a replay runs
        module.forward = self  # of this one instance

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self.now is not None:
            assert self.layout is not None
            structure, parts = self.layout
            return _pytree.tree_unflatten([part.rebuild(*self.now) for part in parts], structure)
        if self.watch is None:
            return self.original(*arguments, **options)
        with torch.no_grad():
            output = self.original(*arguments, **options)
        return self.watch(output)


class Replay:
    """All stand-ins of one model. A batch that has CACHED_ROW replays, any other batch runs through the whole model."""

    def __init__(self, model: PreTrainedModel, modules: tuple[str, ...]) -> None:
        self.model = model
        self.modules = modules
        self.stand_ins = {path: StandIn(model.get_submodule(path)) for path in modules}
        self._hooks = (
            model.register_forward_pre_hook(self._begin, with_kwargs=True),
            model.register_forward_hook(self._end, always_call=True),
        )

    def _begin(self, model: nn.Module, arguments: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        rows = options.pop(CACHED_ROW, None)
        if rows is not None:
            now = rows, token_length(self.model, options)
            for stand_in in self.stand_ins.values():
                stand_in.now = now
        return arguments, options

    def _end(self, model: nn.Module, inputs: Any, output: Any) -> None:
        for stand_in in self.stand_ins.values():
            stand_in.now = None

    @contextmanager
    def watching(self, watch: Callable[[str, Any], Any]) -> Iterator[None]:
        """watch(path, output) is called for each stand-in; what it returns is what the model goes on with."""
        for path, stand_in in self.stand_ins.items():
            stand_in.watch = lambda output, path=path: watch(path, output)
        try:
            yield
        finally:
            for stand_in in self.stand_ins.values():
                stand_in.watch = None

    def remove(self) -> None:
        """The model as it was."""
        for hook in self._hooks:
            hook.remove()
        for path in self.modules:
            del self.model.get_submodule(path).forward


def token_length(model: PreTrainedModel, batch: Mapping[str, Any]) -> int | None:
    """Tokens of the longest row; None where the main input is no table of tokens."""
    main = batch[model.main_input_name]
    return int(main.shape[1]) if main.ndim == 2 else None


__all__ = ["CACHED_ROW", "NotCacheable", "Part", "Replay", "StandIn", "token_length"]
