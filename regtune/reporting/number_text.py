"""Numbers as people read them: four significant digits, aligned where they stand in a column."""

from __future__ import annotations

import math
from collections.abc import Mapping


def significant(value: float) -> str:
    """Four significant digits, no padding: 0.8121, 12.34, 1.2e-05."""
    return f"{value:.4g}"


def decimal(value: float) -> str:
    """A loss for a column six wide: "0.6120", "1.946 ", "12.34"; decimal points are aligned below 10 nats.

    At most four decimals: below 0.1 the fourth digit of a loss is noise. Above 999.9 (diverging) it is 1.2e+05.
    """
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "−inf")
    size = abs(value)
    if size < 0.99995:
        return f"{value:.4f}"
    if size < 9.9995:
        return f"{value:.3f} "
    if size < 99.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if size < 999.95 else f"{value:.1e}"


def signed(value: float) -> str:
    """Like `decimal`, always with its sign, the minus as wide as the plus: "+0.1410", "−0.0240"."""
    text = decimal(abs(value))
    return text if not math.isfinite(value) else ("−" if value < 0 else "+") + text


def figure(value: float | None) -> str:
    """A metric's value with four decimals; "–" where there is none."""
    return "–" if value is None else f"{value:.4f}"


def bounds(interval: Mapping[str, float | None]) -> tuple[str, str]:
    """The ends of an interval as run.json has it; "∞" where it is open above, "–" where nothing could be measured."""
    open_end = "∞" if interval["value"] is not None else "–"
    return figure(interval["low"]), open_end if interval["high"] is None else figure(interval["high"])


def count(value: int) -> str:
    """22713216 → "22.71 M", 42312 → "42.31 k", 512 → "512"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return str(value)


def percent(share: float) -> str:
    """A share in [0, 1] as "0.005 %"."""
    return f"{100 * share:.4g} %"


def duration(seconds: float) -> str:
    """ "4.2 s", "3 min 05 s", "2 h 07 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
