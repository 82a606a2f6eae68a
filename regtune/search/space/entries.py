"""The `space` of a sweep file, checked against the config schema: a Space, or what is wrong with each entry.

An entry is a list of choices, or a range {low, high, log, step, off}. Every value is tried in the base config, so what
a space may hold is what a config may say, and a wrong value gets the same words.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal

from regtune.config.changes import with_changes
from regtune.config.document import KeyPath, Plain
from regtune.config.keys import Number, all_keys, number_of
from regtune.config.schema import Config, DataSettings
from regtune.config.wording import choices, show_value
from regtune.errors import ConfigError
from regtune.search.space.dimensions import is_number
from regtune.search.space.searchable import refusal, useless_epochs
from regtune.search.space.space import Space

RANGE_KEYS = ("low", "high", "log", "step", "off")
EXAMPLE = "a list such as [0.0, 0.1], or {low: 0.0, high: 0.5}"


def read_space(entries: Mapping[str, Plain], base: Config | None) -> tuple[Space | None, dict[str, str]]:
    """The space, None where an entry is wrong, and dotted key → what is wrong with it.

    base: the config whose keys are searched; None where that is wrong itself, then only the entries are checked.
    """
    problems = {key: problem for key, entry in entries.items() if (problem := _problem(key, entry, base))}
    if base is not None and "training.epochs" in entries and "training.epochs" not in problems:
        useless = useless_epochs(base, set(entries))
        problems |= {"training.epochs": useless} if useless else {}
    return (None, problems) if problems else (Space.from_entries(entries), {})


def _problem(key: str, entry: Plain, base: Config | None) -> str | None:
    path: KeyPath = tuple(key.split("."))
    refused = refusal(path, base)
    if refused:
        return refused
    if isinstance(entry, list):
        return _list_problem(key, entry, base)
    if isinstance(entry, dict):
        return _range_problem(key, entry, base)
    return f"must be {EXAMPLE}, got {show_value(entry)}"


def _list_problem(key: str, values: list[Plain], base: Config | None) -> str | None:
    if not values:
        return "an empty list leaves nothing to choose from"
    if len(values) == 1:
        return f"one choice, {show_value(values[0])}, leaves nothing to search; set it in the base config"
    if any(isinstance(value, (list, dict)) for value in values):
        return "a choice is a single value, got a list or a section"
    if len({isinstance(value, str) for value in values if value is not None}) > 1:
        return "mixes numbers and texts; a list has choices of one kind, and null where the key takes it"
    for place, value in enumerate(values):
        problem = _value_problem(key, value, base)
        if problem or value in values[:place]:
            return problem or f"{show_value(value)} is listed twice"
    return None


def _range_problem(key: str, entry: dict[str, Plain], base: Config | None) -> str | None:
    number = number_of(tuple(key.split(".")))
    if number is None:
        return f"is no number, a range has no meaning; write {_list_example(key)}"
    unknown = next((name for name in entry if name not in RANGE_KEYS), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, RANGE_KEYS, n=1)
        meant = f"did you mean {near[0]}?" if near else f"a range has {choices(RANGE_KEYS, last='and')}"
        return f"unknown key {show_value(unknown)}, {meant}"
    missing = [name for name in ("low", "high") if name not in entry]
    if missing:
        return f"a range needs low and high, {choices(missing, last='and')} is missing"
    for name in ("log", "off"):
        if not isinstance(entry.get(name, False), bool):
            return f"{name}: must be true or false, got {show_value(entry[name])}"
    for name in ("low", "high"):
        value = entry[name]
        if not is_number(value):
            return f"{name}: must be a number, got {show_value(value)}"
        problem = _value_problem(key, value, base)
        if problem:
            return f"{name}: {problem}"
    return _shape_problem(entry, number)


def _shape_problem(entry: dict[str, Plain], number: Number) -> str | None:
    """How low, high, log, step and off stand together; low and high are numbers the key takes."""
    low, high, step = entry["low"], entry["high"], entry.get("step")
    assert is_number(low)
    assert is_number(high)
    if low >= high:
        return f"low must be below high, got low {low:g} and high {high:g}"
    if entry.get("log") and low <= 0:
        return f"log needs a low above 0, got {low:g}; a logarithm has no 0 (off: true adds it as a choice)"
    if entry.get("off") and not (number.low == 0 and number.includes_low):
        return "off: 0 does not switch this key off; write a list of choices"
    if entry.get("off") and low <= 0:
        return f"off needs a low above 0, got {low:g}: 0 is off already"
    return None if step is None else _step_problem(low, high, step, is_log=bool(entry.get("log")), number=number)


def _step_problem(low: float, high: float, step: Plain, *, is_log: bool, number: Number) -> str | None:
    if not is_number(step):
        return f"step: must be a number, got {show_value(step)}"
    if step <= 0:
        return f"step must be above 0, got {step:g}"
    if is_log:
        return "log and step cannot stand together: a log scale has no equal steps; write a list of choices"
    if number.is_whole and not isinstance(step, int):
        return f"step: must be a whole number, got {step:g}"
    span = Decimal(str(high)) - Decimal(str(low))
    if Decimal(str(step)) > span:
        return f"step must be at most high − low = {float(span):g}, got {step:g}"
    if span % Decimal(str(step)):
        reached = float(Decimal(str(high)) - span % Decimal(str(step)))
        return f"steps of {step:g} from {low:g} do not meet high {high:g}, the last before it is {reached:g}"
    return None


def _value_problem(key: str, value: Plain, base: Config | None) -> str | None:
    """Why the value cannot stand at the key of the base config, in the words of a config's own error; None if it can.

    What the base config itself has wrong is reported where it stands, hence an empty config in its place.
    """
    try:
        with_changes(base or Config(data=DataSettings(train="any")), {key: value})
    except ConfigError as error:
        return error.problems[0].split(": ", maxsplit=2)[2]
    return None


def _list_example(key: str) -> str:
    schema = all_keys()[tuple(key.split("."))]
    return f"a list of choices, such as [{', '.join(schema['enum'])}]" if "enum" in schema else "a list of choices"
