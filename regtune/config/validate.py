"""From plain values to a Config, or to every problem at once: one line each, with its place and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from regtune.config.document import Document, KeyPath
from regtune.config.folds import ALLOWED, find_fold, is_fold
from regtune.config.keys import allowed_kinds, child_keys, explain_unknown, is_union, section_in_union
from regtune.config.scalars import resolve_scalar
from regtune.config.schema import Config, LoraSettings
from regtune.config.wording import bound, choices, show_path, show_value
from regtune.errors import ConfigError

MAX_PROBLEMS = 20
HINT = "regtune train --schema lists every key with its meaning"

Root = TypeVar("Root", bound=Config)
Problem = tuple[KeyPath, Callable[[], str]]  # the key, and what to say of it: worded only when it is shown


def validate(document: Document, *, problems: Sequence[str] = ()) -> Config:
    """The Config the document describes. problems: lines already found, reported with those found here.

    Raises ConfigError with all of them, the file's from top to bottom, then the command line's; at most MAX_PROBLEMS.
    """
    config, found = check(document, root=Config)
    if config is None or found or problems:
        raise config_error(document, found, lines=problems, hint=HINT)
    return config


def check(document: Document, *, root: type[Root]) -> tuple[Root | None, list[Problem]]:
    """What the document describes, None where it is not valid, and what is wrong with it. root: of the whole file."""
    try:
        # data is the only section with a required key: an absent one is an empty one, so that the key is named.
        config = root.model_validate({"data": {}, **document.values})
    except ValidationError as error:
        return None, _problems(error.errors(include_url=False), root)
    return config, [(path, partial(str, text)) for path, text in _contradictions(config)]


def config_error(document: Document, found: list[Problem], *, lines: Sequence[str] = (), hint: str) -> ConfigError:
    """All problems, those found in the document with their places, then the lines that have theirs."""
    found = sorted(found, key=lambda problem: document.reading_order(problem[0]))
    shown = [f"{document.where(path)}: {show_path(path)}: {explain()}" for path, explain in found[:MAX_PROBLEMS]]
    shown += lines[: MAX_PROBLEMS - len(shown)]
    hidden = len(found) + len(lines) - len(shown)
    return ConfigError(*shown, *[f"and {hidden} more"] * (hidden > 0), hint=hint)


def check_contradictions(config: Config) -> None:
    """Raise ConfigError for settings that cannot stand together, in a Config that was built in Python."""
    problems = [f"{show_path(path)}: {text}" for path, text in _contradictions(config)]
    if problems:
        raise ConfigError(*problems)


def _problems(errors: list[ErrorDetails], root: type[Config]) -> list[Problem]:
    """One per wrong key. pydantic reports each kind a union key takes as an error of its own; they become one."""
    problems: list[Problem] = []
    for union, group in groupby(errors, key=lambda error: _union_of(error["loc"], root)):
        if union is None:
            problems += [(error["loc"], partial(_explain, error, root)) for error in group]
        else:
            problems += _union_problems(union, list(group), root)
    return problems


def _union_of(location: KeyPath, root: type[Config]) -> KeyPath | None:
    """The union key inside the location; pydantic puts the name of the kind it tried right after it."""
    return next((location[:length] for length in range(1, len(location)) if is_union(location[:length], root)), None)


def _union_problems(union: KeyPath, errors: list[ErrorDetails], root: type[Config]) -> list[Problem]:
    section = section_in_union(union, root)
    inside = [error for error in errors if error["loc"][len(union)] == section and error["type"] != "model_type"]
    if inside:  # the user wrote the section: only its own keys are of interest
        return [(_without_kinds(error["loc"], root), partial(_explain, error, root)) for error in inside]
    out_of_range = [error for error in errors if error["type"] in RANGES]
    if out_of_range:  # the user wrote a number
        return [(union, partial(_explain, out_of_range[0], root))]
    return [(union, lambda: f"must be {allowed_kinds(union, root)}, got {show_value(errors[0]['input'])}")]


# pydantic's error type → (what is allowed, the name of its limit)
RANGES = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
PATTERNS = {r"^(full|head|lora|last-[1-9][0-9]{0,3})$": "full, head, lora or last-N with a number of blocks N"}
KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "list_type": "a list, such as [tensorboard]",
    "dict_type": "a section of keys such as training.learning_rate, each with its choices",
    "string_too_short": "at least one character",
    "string_too_long": "one character",
}


def _explain(error: ErrorDetails, root: type[Config]) -> str:
    """What is wrong, what is allowed and what we got, without the place."""
    kind, value, limits = error["type"], error["input"], error.get("ctx", {})
    path = _without_kinds(error["loc"], root)
    if kind == "extra_forbidden":
        return explain_unknown(path, root)
    if kind == "missing":
        return "missing"
    return f"must be {_allowed(kind, limits, path, root)}, got {show_value(value)}{_quotes_advice(kind, value)}"


def _without_kinds(location: KeyPath, root: type[Config]) -> KeyPath:
    union = _union_of(location, root)
    return location if union is None else (*union, *location[len(union) + 1 :])


def _allowed(kind: str, limits: dict[str, Any], path: KeyPath, root: type[Config]) -> str:
    if kind in RANGES:
        relation, limit = RANGES[kind]
        return f"{relation} {bound(limits[limit])}"
    if kind == "literal_error":
        return str(limits["expected"]).replace("'", "")
    if kind == "string_pattern_mismatch":
        return PATTERNS[limits["pattern"]]
    if kind == "model_type":
        return f"a section with keys such as {choices(child_keys(path, root)[:3])}"
    return KINDS[kind]


def _quotes_advice(kind: str, value: object) -> str:
    """The two slips of quoting: a quoted number where one is wanted, and a bare one where text is."""
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return "; put it in quotes"
    if kind in ("int_type", "float_type") and isinstance(value, str) and isinstance(_resolved(value), (int, float)):
        return "; take the quotes off"
    return ""


def _resolved(text: str) -> object:
    try:
        return resolve_scalar(text)
    except ValueError:
        return None


def _contradictions(config: Config) -> list[tuple[KeyPath, str]]:
    """Settings that are each allowed and cannot stand together, found without looking at the data: the key to change
    and what is wrong with it. Empty for a config that can be run."""
    return [
        *_no_such_fold(config),
        *_decay_too_strong(config),
        *_nothing_pretrained(config),
        *_repeated_trackers(config),
        *_unused_lora(config),
        *_lost_base(config),
    ]


def _no_such_fold(config: Config) -> list[tuple[KeyPath, str]]:
    data = config.data
    problems: list[tuple[KeyPath, str]] = [
        (("data", key), f"a fold is held out for data.validation only, got {show_value(source)}")
        for key, source in (("train", data.train), ("test", data.test))
        if is_fold(source)
    ]
    if isinstance(data.validation, str) and is_fold(data.validation) and find_fold(data.validation) is None:
        problems.append((("data", "validation"), f"must be {ALLOWED}, got {show_value(data.validation)}"))
    return problems


def _decay_too_strong(config: Config) -> list[tuple[KeyPath, str]]:
    """AdamW multiplies each weight by 1 − lr·λ at every step: zero wipes it, below zero turns its sign around."""
    rate, decay = config.training.learning_rate, config.regularization.weight_decay
    if rate * decay < 1:
        return []
    keys: list[KeyPath] = [("regularization", "weight_decay"), ("training", "learning_rate")]
    if "weight_decay" not in config.regularization.model_fields_set:  # then the file has a line only for the other
        keys.reverse()
    problem = (
        f"times {show_path(keys[1])} must be below 1, got λ·lr = {decay:g} × {rate:g} = {rate * decay:g}: "
        "every step would flip the sign of the weights"
    )
    return [(keys[0], problem)]


def _nothing_pretrained(config: Config) -> list[tuple[KeyPath, str]]:
    if config.regularization.weight_decay_target != "pretrained" or config.model_settings.name != "tiny":
        return []
    problem = "must be zero with model tiny, got pretrained: tiny is built from scratch and has no pretrained weights"
    return [(("regularization", "weight_decay_target"), problem)]


def _unused_lora(config: Config) -> list[tuple[KeyPath, str]]:
    settings = config.model_settings
    is_written = "lora" in settings.model_fields_set and settings.finetune == "full"
    if settings.finetune == "lora" or (settings.lora == LoraSettings() and not is_written):
        return []
    return [(("model", "lora"), f"acts only with finetune lora, got finetune {settings.finetune}")]


def _lost_base(config: Config) -> list[tuple[KeyPath, str]]:
    settings = config.model_settings
    if settings.name != "tiny" or settings.finetune != "lora" or settings.lora.save != "adapter":
        return []
    return [
        (("model", "lora", "save"), "must be merged with model tiny: an adapter needs its base, built anew each run")
    ]


def _repeated_trackers(config: Config) -> list[tuple[KeyPath, str]]:
    first_place: dict[str, int] = {}
    return [
        (("training", "report_to", place), f"{show_value(tracker)} is listed twice")
        for place, tracker in enumerate(config.training.report_to)
        if first_place.setdefault(tracker, place) != place
    ]
