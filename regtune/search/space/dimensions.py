"""One searched key: which values it may take, and the Optuna parameters that stand for them.

Choices     a list; numbers in order are searched by their place in it, so that the sampler knows neighbours
Range       low to high, continuous or in steps, on a log scale or not
Switched    off or a Range: two parameters, the second only asked for when the first is "on"
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from regtune.config.document import Plain, Scalar
from regtune.search.judging.result import Edge

if TYPE_CHECKING:
    from optuna.trial import Trial

DIGITS = 4  # significant ones of a value between the steps: best.yaml stays readable, and 1e-4 of it decides nothing
ORDERED_FROM = 3  # choices; of two, neither lies between others


@dataclass(frozen=True)
class Choices:
    """One of several values. Numbers are kept in rising order."""

    key: str
    values: tuple[Scalar, ...]

    @property
    def is_ordered(self) -> bool:
        return len(self.values) >= ORDERED_FROM and all(is_number(value) for value in self.values)

    @property
    def parameters(self) -> tuple[str, ...]:
        return (f"{self.key}.place",) if self.is_ordered else (self.key,)

    def suggest(self, trial: Trial) -> dict[str, Any]:
        (name,) = self.parameters
        if self.is_ordered:
            return {name: trial.suggest_int(name, 0, len(self.values) - 1)}
        return {name: trial.suggest_categorical(name, self.values)}

    def parameters_of(self, value: Plain) -> dict[str, object]:
        nearest = _nearest(value, self.values)
        (name,) = self.parameters
        return {name: self.values.index(nearest) if self.is_ordered else nearest}

    def value_of(self, parameters: Mapping[str, Any]) -> Plain:
        (name,) = self.parameters
        chosen: Plain = self.values[parameters[name]] if self.is_ordered else parameters[name]
        return chosen

    @property
    def count(self) -> int:
        return len(self.values)

    def grid(self) -> tuple[Scalar, ...]:
        return self.values

    def extremes(self) -> tuple[Scalar, ...]:
        """All choices: each may be one that a task cannot obey."""
        return self.values

    def edge(self, value: Plain) -> Edge | None:
        numbers = [number for number in self.values if is_number(number)]
        if not is_number(value) or len(numbers) < ORDERED_FROM or value not in (min(numbers), max(numbers)):
            return None
        return Edge(key=self.key, value=value, low=min(numbers), high=max(numbers))

    def to_plain(self) -> dict[str, Plain]:
        return {"key": self.key, "choices": list(self.values)}

    def describe(self) -> str:
        return ", ".join(_shown(value) for value in self.values)


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from low to high, both included. step: None between all of them; whole numbers have at least step 1."""

    key: str
    low: float
    high: float
    is_whole: bool
    log: bool = False
    step: float | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.key,)

    def suggest(self, trial: Trial) -> dict[str, Any]:
        return {self.key: self.suggest_number(trial, self.key)}

    def suggest_number(self, trial: Trial, name: str) -> float:
        """Optuna's raw value of the parameter `name`; `clean` makes it a setting."""
        if self.is_whole:
            return trial.suggest_int(name, int(self.low), int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def parameters_of(self, value: Plain) -> dict[str, object]:
        return {self.key: self.nearest(value)}

    def nearest(self, value: Plain) -> float:
        """The value itself, or the nearest of the range; the middle for what is no number (dropout: keep)."""
        if not is_number(value):
            value = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        inside = min(max(value, self.low), self.high)
        if self.is_whole and self.step is None:
            return round(inside)
        return self._at_step(inside) if self.step else inside

    def value_of(self, parameters: Mapping[str, Any]) -> Plain:
        return self.clean(parameters[self.key])

    def clean(self, raw: float) -> float:
        """A raw value as it is written in a config: 0.3, not 0.30000000000000004, and four digits between steps."""
        if self.is_whole:
            return int(raw)
        if self.step is not None:
            return self._at_step(raw)
        return min(max(short(raw), self.low), self.high)

    def _at_step(self, value: float) -> float:
        assert self.step is not None
        steps = round((value - self.low) / self.step)
        exact = _decimal(self.low) + steps * _decimal(self.step)
        return int(exact) if self.is_whole else float(exact)

    @property
    def count(self) -> int | None:
        """How many values there are; None for a continuous range."""
        if self.step is None and not self.is_whole:
            return None
        return int((_decimal(self.high) - _decimal(self.low)) / _decimal(self.step or 1)) + 1

    def grid(self) -> tuple[Scalar, ...]:
        """Every value of a range that has a count."""
        assert self.count is not None
        step = _decimal(self.step or 1)
        return tuple(self.clean(float(_decimal(self.low) + place * step)) for place in range(self.count))

    def extremes(self) -> tuple[Scalar, ...]:
        """The values between which every other lies: what they pass, all pass."""
        return (self.clean(self.low), self.clean(self.high))

    def edge(self, value: Plain) -> Edge | None:
        if not is_number(value) or value not in (self.low, self.high):
            return None
        return Edge(key=self.key, value=value, low=self.low, high=self.high)

    def to_plain(self) -> dict[str, Plain]:
        return {"key": self.key, "low": self.low, "high": self.high, "log": self.log, "step": self.step, "off": False}

    def describe(self) -> str:
        scale = ", log" if self.log else f" in steps of {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{scale}"


@dataclass(frozen=True)
class Switched:
    """A technique that may be off, and its strength when it is on. The strength alone decides nothing when it is off,
    so it is not asked for: the space is conditional."""

    strength: Range

    @property
    def key(self) -> str:
        return self.strength.key

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.key, f"{self.key}.strength")

    def suggest(self, trial: Trial) -> dict[str, Any]:
        switch, strength = self.parameters
        if trial.suggest_categorical(switch, ("off", "on")) == "off":
            return {switch: "off"}
        return {switch: "on", strength: self.strength.suggest_number(trial, strength)}

    def parameters_of(self, value: Plain) -> dict[str, object]:
        switch, strength = self.parameters
        if value == 0 or value is None:
            return {switch: "off"}
        return {switch: "on", strength: self.strength.nearest(value)}

    def value_of(self, parameters: Mapping[str, Any]) -> Plain:
        switch, strength = self.parameters
        return 0.0 if parameters[switch] == "off" else self.strength.clean(parameters[strength])

    @property
    def count(self) -> int | None:
        return None if self.strength.count is None else 1 + self.strength.count

    def grid(self) -> tuple[Scalar, ...]:
        return (0.0, *self.strength.grid())

    def extremes(self) -> tuple[Scalar, ...]:
        return (0.0, *self.strength.extremes())

    def edge(self, value: Plain) -> Edge | None:
        """Below the lowest strength there is off, which is searched as well: only the upper end is an edge."""
        return self.strength.edge(value) if value == self.strength.high else None

    def to_plain(self) -> dict[str, Plain]:
        return {**self.strength.to_plain(), "off": True}

    def describe(self) -> str:
        return f"off, or {self.strength.describe()}"


Dimension: TypeAlias = "Choices | Range | Switched"


def short(number: float) -> float:
    """With DIGITS significant digits."""
    return float(f"{number:.{DIGITS}g}")


def _nearest(value: Plain, choices: tuple[Scalar, ...]) -> Scalar:
    """The value where it is a choice, else the nearest number, else the choice in the middle."""
    if value in choices:
        return choices[choices.index(value)]
    numbers = [choice for choice in choices if is_number(choice)]
    if is_number(value) and numbers:
        return min(numbers, key=lambda number: abs(number - value))
    return choices[len(choices) // 2]


def is_number(value: object) -> TypeGuard[int | float]:
    """true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))  # as written: 0.1 is a tenth, not the binary number next to it


def _shown(value: Scalar) -> str:
    if value is None:
        return "null"
    return f"{value:g}" if is_number(value) else str(value)
