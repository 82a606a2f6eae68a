"""The numbers that decide how much is dropped, and which dropout call obeys which of them.

A knob is found by its form (a dropout module's `p`, a float attribute with "drop" in its name, such a field of a config
that a module reads in its forward, a hook of ours), what it governs is found by trying: every knob gets a value of its
own, a probe forward is traced, and the probability that arrives at a dropout call names the knob.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from transformers import PreTrainedConfig, PreTrainedModel

from regtune.models.dropout.config_fields import is_dropout, own_dropout_fields
from regtune.models.dropout.hooks import AddedDropout, added_dropouts
from regtune.models.dropout.split import SplitDropout
from regtune.models.dropout_sites import DropoutKind
from regtune.models.trace import Trace, TracedSite, module_configs, trace_forward


@dataclass(frozen=True, eq=False)
class Knob:
    """One dropout probability that can be set. Compared by identity."""

    path: str  # of the module it belongs to
    attribute: str
    holder: nn.Module | PreTrainedConfig | AddedDropout

    @property
    def name(self) -> tuple[str, str]:
        """The same in every model built from one config."""
        if isinstance(self.holder, PreTrainedConfig):
            return self.path, f"config.{self.attribute}"
        if isinstance(self.holder, SplitDropout):
            return self.path, "p"  # one knob until it was split
        return self.path, self.attribute

    @property
    def is_added(self) -> bool:
        return not isinstance(self.holder, nn.Module | PreTrainedConfig)

    @property
    def is_config(self) -> bool:
        return isinstance(self.holder, PreTrainedConfig)

    @property
    def value(self) -> float:
        return cast(float, getattr(self.holder, self.attribute))

    def set(self, value: float) -> None:
        setattr(self.holder, self.attribute, value)


@dataclass(frozen=True)
class Survey:
    """The structure of a model, and the knob of each dropout call. Probabilities in `trace` are the trial values."""

    trace: Trace
    knobs: tuple[Knob, ...]  # all, called or not
    knob_of: dict[float, Knob]  # by trial value

    def knob(self, site: TracedSite) -> Knob | None:
        """None: the probability is written into the model's code."""
        return self.knob_of.get(site.probability)

    def knobs_at(self, probabilities: Sequence[float]) -> list[Knob]:
        """Of the dropouts at the end of a branch or before a head, each once."""
        return list(dict.fromkeys(self.knob_of[value] for value in probabilities if value in self.knob_of))

    def kinds(self, knob: Knob) -> frozenset[DropoutKind]:
        """What the knob is for; empty when no call obeys it.

        `inner` counts only when there is nothing else: RoBERTa's head calls one module before both of its layers, and
        that module is classifier dropout.
        """
        kinds = {site.kind for site in self.trace.sites if self.knob(site) is knob}
        return frozenset(kinds - {"inner"} or kinds)


def find_knobs(model: nn.Module) -> tuple[Knob, ...]:
    """Every knob of the model, modules in order; a module that appears twice has its knobs once."""
    knobs: list[Knob] = []
    for path, module in model.named_modules():
        knobs += [Knob(path, attribute, module) for attribute in _attributes(module)]
        knobs += [Knob(path, "p", hook) for hook in added_dropouts(module)]
    for path, config in module_configs(model):
        knobs += [Knob(path, name, config) for name in own_dropout_fields(config)]
    return tuple(knobs)


def _attributes(module: nn.Module) -> list[str]:
    if isinstance(module, SplitDropout):
        return ["p", "probabilities_p"]
    if isinstance(module, _DropoutNd):
        return ["p"]
    return [name for name, value in vars(module).items() if is_dropout(name, value)]


def trial_values(count: int) -> list[float]:
    """Distinct probabilities in (0.05, 0.95), none of them one that a person would write."""
    return [0.05 + 0.9 * (position + 0.7182818) / count for position in range(count)]


def survey_dropout(model: PreTrainedModel, probe: dict[str, Tensor]) -> Survey:
    """Trace the probe with every knob at its trial value. All calls show, also those skipped at probability 0."""
    knobs = find_knobs(model)
    values = trial_values(len(knobs))
    with _set_to(knobs, values):
        trace = trace_forward(model, probe)
    return Survey(trace=trace, knobs=knobs, knob_of=dict(zip(values, knobs, strict=True)))


@contextmanager
def _set_to(knobs: Sequence[Knob], values: Sequence[float]) -> Iterator[None]:
    before = [knob.value for knob in knobs]
    for knob, value in zip(knobs, values, strict=True):
        knob.set(value)
    try:
        yield
    finally:
        for knob, value in zip(knobs, before, strict=True):
            knob.set(value)
