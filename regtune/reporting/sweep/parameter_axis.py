"""Where a value of the space lies on the axis of a figure: choices side by side, numbers on a plain or a log scale,
and a place of its own for a technique that is off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regtune.config.document import Plain
from regtune.reporting.sweep.space_text import value_text
from regtune.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OFF_DISTANCE = 0.12  # of the axis' length, left of the lowest number
FEW_DECADES = 3  # on a log axis, from which the powers of ten are ticks enough
STEEP_LABELS = 26  # characters on one axis from which names are turned


@dataclass(frozen=True, kw_only=True)
class ParameterAxis:
    """The axis of one key. names: of the places that are no number, with their positions."""

    key: str
    is_log: bool
    is_category: bool
    names: Mapping[str, float]
    low: float  # ends of the axis: the space's, or further out where a value lies there
    high: float

    def position(self, value: Plain) -> float:
        """Where the value is drawn, in the axis' own numbers."""
        return self.names[_name(value)] if _name(value) in self.names else _number(value)

    def dress(self, axes: Axes) -> None:
        """Scale and ticks."""
        from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

        if self.is_category:
            turned = sum(len(name) for name in self.names) > STEEP_LABELS
            alignment: dict[str, Any] = {"rotation": 25, "ha": "right"} if turned else {}
            axes.set_xticks(list(self.names.values()), list(self.names), **alignment)
            axes.set_xlim(-0.5, len(self.names) - 0.5)
            return
        ends = sorted([*self.names.values(), self.low, self.high])
        room = 0.04
        if self.is_log:
            axes.set_xscale("log")
            factor = (ends[-1] / ends[0]) ** room
            axes.set_xlim(ends[0] / factor, ends[-1] * factor)
        else:
            axes.set_xlim(ends[0] - room * (ends[-1] - ends[0]), ends[-1] + room * (ends[-1] - ends[0]))
        decades = math.log10(self.high / self.low) if self.is_log else 0.0
        locator = LogLocator(subs=(1.0,) if decades >= FEW_DECADES else (1.0, 3.0)) if self.is_log else MaxNLocator(5)
        inside = (self.low * (1 - 1e-9), self.high * (1 + 1e-9))  # ticks are rounded
        ticks = [float(t) for t in locator.tick_values(self.low, self.high) if inside[0] <= t <= inside[1]]
        places = {position: name for name, position in self.names.items()}
        axes.xaxis.set_major_locator(FixedLocator([*places, *ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: places.get(x, value_text(float(x)))))


def axis_of(entry: Mapping[str, Any], values: Sequence[Plain]) -> ParameterAxis:
    """The axis for one entry of Space.to_plain() and the values that were tried, the user's own among them."""
    key = str(entry["key"])
    if "choices" in entry:
        found = dict.fromkeys(_name(value) for value in [*entry["choices"], *values])
        names = {name: float(place) for place, name in enumerate(found)}
        return ParameterAxis(key=key, is_log=False, is_category=True, names=names, low=0.0, high=len(names) - 1.0)
    low, high, is_log = float(entry["low"]), float(entry["high"]), bool(entry["log"])
    odd = dict.fromkeys(_name(value) for value in values if _is_off(value, low=low))
    numbers = [_number(value) for value in values if not _is_off(value, low=low)]
    low, high = min([low, *numbers]), max([high, *numbers])
    step = (high / low) ** OFF_DISTANCE if is_log else OFF_DISTANCE * (high - low)
    places = [low / step**place if is_log else low - step * place for place in range(1, len(odd) + 1)]
    names = dict(zip(odd, places, strict=True))
    return ParameterAxis(key=key, is_log=is_log, is_category=False, names=names, low=low, high=high)


def _is_off(value: Plain, *, low: float) -> bool:
    """No number, or the zero that switches a technique off where the scale does not reach it."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return not is_number or (value == 0 and low > 0)


def _number(value: Plain) -> float:
    assert isinstance(value, (int, float))
    return float(value)


def _name(value: Plain) -> str:
    """What stands at the axis; 0 and null are "off" only where they have a place of their own."""
    return printable(value_text(float(value) if type(value) is int and abs(value) < 1000 else value))
