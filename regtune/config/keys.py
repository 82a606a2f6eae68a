"""Every key a file may have, read off its schema, and what a misspelt one was probably meant to be.

`root` is the model of the whole file: Config, or one with further sections beside it (a sweep file).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Any

from regtune.config.document import KeyPath
from regtune.config.schema import Config, Section
from regtune.config.wording import bound, choices, show_path

# What other tools call the same thing: transformers' TrainingArguments, Keras and common speech.
OTHER_NAMES: dict[str, KeyPath] = {
    "lr": ("training", "learning_rate"),
    "max_grad_norm": ("training", "clip_norm"),
    "gradient_clipping": ("training", "clip_norm"),
    "num_train_epochs": ("training", "epochs"),
    "per_device_train_batch_size": ("training", "batch_size"),
    "gradient_accumulation_steps": ("training", "accumulation"),
    "warmup_ratio": ("training", "warmup"),
    "lr_scheduler_type": ("training", "schedule"),
    "label_smoothing": ("regularization", "smoothing"),
    "label_smoothing_factor": ("regularization", "smoothing"),
    "early_stopping": ("regularization", "patience"),
    "early_stopping_patience": ("regularization", "patience"),
    "metric_for_best_model": ("regularization", "monitor"),
    "output_dir": ("output",),
    "model_name_or_path": ("model",),
    "valid": ("data", "validation"),
    "delimiter": ("data", "separator"),
    "sep": ("data", "separator"),
    "text_column": ("data", "text"),
    "label_column": ("data", "label"),
}
MAX_KEY_LENGTH = 60  # a longer key is no typo; comparing it would only cost time


@cache
def all_keys(root: type[Section] = Config) -> dict[KeyPath, dict[str, Any]]:
    """Each key's JSON schema, in schema order: ("training",), ("training", "epochs"), …"""
    schema = root.model_json_schema()
    keys: dict[KeyPath, dict[str, Any]] = {}
    _collect(schema, (), schema["$defs"], keys)
    return keys


def _collect(
    section: dict[str, Any], path: KeyPath, sections: dict[str, Any], keys: dict[KeyPath, dict[str, Any]]
) -> None:
    for name, key in section["properties"].items():
        key_path = (*path, name)
        keys[key_path] = key
        for alternative in [key, *key.get("anyOf", [])]:
            if "$ref" in alternative:
                _collect(sections[_section_name(alternative)], key_path, sections, keys)


def _section_name(reference: dict[str, Any]) -> str:
    """{"$ref": "#/$defs/DataSettings"} → "DataSettings", the class's name."""
    return str(reference["$ref"]).rpartition("/")[2]


def child_keys(path: KeyPath, root: type[Section] = Config) -> list[str]:
    """Names of the keys directly under a section, in schema order; () is the top level."""
    return [str(key[-1]) for key in all_keys(root) if key[:-1] == path]


def takes_dotted_keys(path: KeyPath, root: type[Section]) -> bool:
    """Whether the key's value is a mapping whose keys are the user's own: sweep.space."""
    return any(kind.get("type") == "object" for kind in _alternatives(path, root))


def is_union(path: KeyPath, root: type[Section] = Config) -> bool:
    """Whether the key takes values of several kinds, null not counted: dropout, validation, test."""
    return len(_alternatives(path, root)) > 1


def section_in_union(path: KeyPath, root: type[Section] = Config) -> str | None:
    """Class name of the section a union key also takes: "DropoutSettings" for dropout, None for validation."""
    return next((_section_name(kind) for kind in _alternatives(path, root) if "$ref" in kind), None)


def allowed_kinds(path: KeyPath, root: type[Section] = Config) -> str:
    """What a union key takes: "a number in (0, 1), text or null"."""
    takes_null = {"type": "null"} in all_keys(root)[path].get("anyOf", [])
    return choices([_describe(kind, path, root) for kind in _alternatives(path, root)] + ["null"] * takes_null)


def _alternatives(path: KeyPath, root: type[Section] = Config) -> list[dict[str, Any]]:
    return [kind for kind in all_keys(root).get(path, {}).get("anyOf", []) if kind.get("type") != "null"]


@dataclass(frozen=True)
class Number:
    """The numbers a key takes. low, high: its own limits, None: none; includes_…: whether the limit is allowed."""

    is_whole: bool
    low: float | None
    includes_low: bool
    high: float | None
    includes_high: bool


def number_of(path: KeyPath) -> Number | None:
    """What numbers a config key takes, also beside other kinds (dropout: keep); None for a key without numbers."""
    key = all_keys()[path]
    for kind in key.get("anyOf", [key]):
        if kind.get("type") in ("number", "integer"):
            return Number(
                is_whole=kind["type"] == "integer",
                low=kind.get("minimum", kind.get("exclusiveMinimum")),
                includes_low="minimum" in kind,
                high=kind.get("maximum", kind.get("exclusiveMaximum")),
                includes_high="maximum" in kind,
            )
    return None


def _describe(kind: dict[str, Any], path: KeyPath, root: type[Section]) -> str:
    if "$ref" in kind:
        return f"a section with the keys {choices(child_keys(path, root), last='and')}"
    if "const" in kind:
        return str(kind["const"])
    if kind["type"] in ("number", "integer"):
        what = "a whole number" if kind["type"] == "integer" else "a number"
        opening, low = ("[", kind["minimum"]) if "minimum" in kind else ("(", kind["exclusiveMinimum"])
        closing, high = ("]", kind["maximum"]) if "maximum" in kind else (")", kind["exclusiveMaximum"])
        return f"{what} in {opening}{bound(low)}, {bound(high)}{closing}"
    if kind["type"] == "array":
        return "a list of two texts"
    return "text"


def explain_unknown(path: KeyPath, root: type[Section] = Config) -> str:
    """Why the key is not known and what was probably meant, e.g. "unknown key, did you mean weight_decay?"."""
    section, name = path[:-1], str(path[-1])
    plain = name.lower().replace("-", "_").strip()
    if len(name) > MAX_KEY_LENGTH:
        return f"unknown key of {len(name)} characters"
    dotted: KeyPath = tuple(name.split("."))
    if len(dotted) > 1 and dotted in all_keys(root):
        return f"unknown key; in a file, write {dotted[-1]} below {show_path(dotted[:-1])}"
    siblings = child_keys(section, root)
    if plain in siblings:
        return f"unknown key, did you mean {plain}?"
    home = next((key for key in all_keys(root) if key[-1] == plain), None)
    if home:
        return f"unknown key {_under(section)}; it belongs {_to(home[:-1])}"
    if plain in OTHER_NAMES:
        return f"unknown key, did you mean {show_path(OTHER_NAMES[plain])}?"
    near = _closest(plain, siblings)
    if near:
        return f"unknown key, did you mean {near}?"
    everywhere = {str(key[-1]): key for key in reversed(all_keys(root))} | {
        show_path(key): key for key in all_keys(root)
    }
    near = _closest(plain, list(everywhere))
    if near:
        return f"unknown key, did you mean {show_path(everywhere[near])}?"
    return f"unknown key; known {_under(section)}: {', '.join(siblings)}"


def _closest(name: str, candidates: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, candidates, n=1)), None)


def _under(section: KeyPath) -> str:
    return f"under {show_path(section)}" if section else "at the top level"


def _to(section: KeyPath) -> str:
    return f"to {show_path(section)}" if section else "to the top level"
