"""The space of a sweep: which keys are searched, over which values, and as which Optuna parameters.

    space = Space((Range(key="training.learning_rate", low=1e-5, high=1e-3, is_whole=False, log=True),))
    space.suggest(trial)                               {"training.learning_rate": 0.0001235}
    space.params_of({"training.learning_rate": 1})     the nearest point: {"training.learning_rate": 0.001}

`regtune.search.space.entries` reads one from a sweep file, `regtune.search.space.default` makes one for a config.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regtune.config.document import Plain
from regtune.config.keys import Number, number_of
from regtune.errors import ConfigError
from regtune.search.judging.result import Edge
from regtune.search.space.dimensions import Choices, Dimension, Range, Switched

if TYPE_CHECKING:
    from optuna.trial import Trial


@dataclass(frozen=True)
class Space:
    """What is searched, key by key, in the order of the sweep file."""

    dimensions: tuple[Dimension, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The dotted config keys."""
        return tuple(dimension.key for dimension in self.dimensions)

    @property
    def is_conditional(self) -> bool:
        """Whether a parameter is only there for some values of another."""
        return any(isinstance(dimension, Switched) for dimension in self.dimensions)

    def suggest(self, trial: Trial) -> dict[str, Plain]:
        """The sampler's choice for a trial, as dotted key → value."""
        return {dimension.key: dimension.value_of(dimension.suggest(trial)) for dimension in self.dimensions}

    def params_of(self, values: Mapping[str, Plain]) -> dict[str, object]:
        """The Optuna parameters that stand for a config's values, to enqueue a trial.

        values: at least this space's keys. A value outside of the space becomes its nearest point: the sampler learns
        from the trial as if it had been there.
        """
        return {
            name: value
            for dimension in self.dimensions
            for name, value in dimension.parameters_of(values[dimension.key]).items()
        }

    def values_of(self, params: Mapping[str, Any]) -> dict[str, Plain]:
        """The config values that a trial's parameters stand for, as `suggest` gave them."""
        return {dimension.key: dimension.value_of(params) for dimension in self.dimensions}

    def grid(self) -> list[dict[str, Plain]]:
        """All combinations, the last key changing fastest. Raises ConfigError for a continuous range."""
        self.grid_size()
        points = itertools.product(*(dimension.grid() for dimension in self.dimensions))
        return [dict(zip(self.keys, point, strict=True)) for point in points]

    def grid_size(self) -> int:
        """How many combinations there are. Raises ConfigError for a continuous range."""
        endless = [dimension.key for dimension in self.dimensions if dimension.count is None]
        if endless:
            raise ConfigError(*(f"{key}: a grid needs a step or a list of choices" for key in endless))
        return math.prod(dimension.count or 1 for dimension in self.dimensions)

    def edges(self, values: Mapping[str, Plain]) -> list[Edge]:
        """Where the best values lie on the edge of the space, and lie there only because the space ends: a dropout of
        0 has nothing below it."""
        found = (dimension.edge(values[dimension.key]) for dimension in self.dimensions)
        return [edge for edge in found if edge is not None and not _is_end_of_key(edge)]

    def to_plain(self) -> list[dict[str, Plain]]:
        """Plain values for JSON, one section per key; from_plain reads them back."""
        return [dimension.to_plain() for dimension in self.dimensions]

    @classmethod
    def from_plain(cls, sections: Sequence[Mapping[str, Any]]) -> Space:
        return cls.from_entries(
            {
                section["key"]: section.get("choices", {name: section[name] for name in section if name != "key"})
                for section in sections
            }
        )

    @classmethod
    def from_entries(cls, entries: Mapping[str, Plain]) -> Space:
        """The space of entries as a sweep file has them, known to be right; `entries.read_space` checks them."""
        return cls(tuple(_dimension(key, entry) for key, entry in entries.items()))

    def to_entries(self) -> dict[str, Plain]:
        """As a sweep file has them, without what is left out or false."""
        sections = {str(section.pop("key")): section for section in self.to_plain()}
        return {
            key: section.get(
                "choices", {name: value for name, value in section.items() if value is not None and value is not False}
            )
            for key, section in sections.items()
        }

    def describe(self) -> list[str]:
        """One line per key, e.g. "regularization.dropout: 0 to 0.5 in steps of 0.05"."""
        return [f"{dimension.key}: {dimension.describe()}" for dimension in self.dimensions]


def _dimension(key: str, entry: Plain) -> Dimension:
    """A key with its entry, which is right: a list, or a section with low and high."""
    number = number_of(tuple(key.split(".")))
    if isinstance(entry, list):
        return Choices(key, _in_order(entry, number))
    assert isinstance(entry, dict)
    assert number
    found: dict[str, Any] = {"log": False, "step": None, **entry}
    is_switched = found.pop("off", False)
    if not number.is_whole:
        found |= {name: float(found[name]) for name in ("low", "high", "step") if found[name] is not None}
    strength = Range(key=key, is_whole=number.is_whole, **found)
    return Switched(strength) if is_switched else strength


def _in_order(values: list[Plain], number: Number | None) -> tuple[Any, ...]:
    """Numbers rise, null and texts stay where they are written; 0 of a key with fractions is 0.0."""
    if number is None or not all(isinstance(value, (int, float)) for value in values):
        return tuple(values)
    numbers: list[Any] = [value if number.is_whole else float(value) for value in values]  # type: ignore[arg-type]
    return tuple(sorted(numbers))


def _is_end_of_key(edge: Edge) -> bool:
    number = number_of(tuple(edge.key.split(".")))
    return number is not None and (
        (edge.value == edge.low == number.low and number.includes_low)
        or (edge.value == edge.high == number.high and number.includes_high)
    )
