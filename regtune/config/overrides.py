"""Settings from the command line: `training.epochs=3` changes that key of the document, as if the file said so."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

from regtune.config.document import COMMAND_LINE, Document, KeyPath, Plain
from regtune.config.keys import all_keys, child_keys, explain_unknown, takes_dotted_keys
from regtune.config.reader import read_value
from regtune.config.scalars import resolve_scalar
from regtune.config.schema import Config, Section
from regtune.config.wording import shorten, show_path, show_value
from regtune.errors import ConfigError


def apply_overrides(
    document: Document, overrides: Sequence[str], *, root: type[Section] = Config
) -> tuple[Document, list[str]]:
    """The document with each `section.key=value` set, in order, and a line for each override that cannot be.

    root: the model of the whole file.
    """
    problems: list[str] = []
    chosen: set[KeyPath] = set()
    for override in overrides:
        try:
            path, value = parse_override(override, root=root)
            if path in chosen:
                raise _error(f"{show_path(path)}: set twice")
            document = set_key(document, path, value)
            chosen.add(path)
        except ConfigError as error:
            problems += error.problems
    return document, problems


def parse_override(override: str, *, root: type[Section] = Config) -> tuple[KeyPath, Plain]:
    """ "training.epochs=3" → (("training", "epochs"), 3). Raises ConfigError, also for a key that does not exist."""
    key, equals, text = override.partition("=")
    path: KeyPath = tuple(key.strip().split("."))
    if not equals:
        raise _error(f"{shorten(override)}: an override is section.key=value, this one has no =")
    if "" in path:
        raise _error(f"{shorten(override)}: an override is section.key=value, this one has an empty key")
    if path not in all_keys(root):
        path = _inside_mapping(path, root)
    if not text.strip():
        raise _error(f"{show_path(path)}: no value after =, write {show_path(path)}=null for none")
    return path, _read(text, path)


def _inside_mapping(path: KeyPath, root: type[Section]) -> KeyPath:
    """The path of a key in a mapping of dotted keys: sweep.space.training.epochs is training.epochs in sweep.space.

    Raises ConfigError where there is no such mapping.
    """
    for length in range(1, len(path)):
        if takes_dotted_keys(path[:length], root):
            return (*path[:length], show_path(path[length:]))
    raise _error(f"{show_path(path)}: {_explain_unknown_part(path, root)}")


def _explain_unknown_part(path: KeyPath, root: type[Section]) -> str:
    """About the first part that is wrong: of traning.epochs the section, of training.epohs the key."""
    length = next(length for length in range(1, len(path) + 1) if path[:length] not in all_keys(root))
    if length > 1 and not child_keys(path[: length - 1], root):
        return f"{show_path(path[: length - 1])} is a single value without keys of its own"
    explanation = explain_unknown(path[:length], root)
    return explanation if length == len(path) else f"{show_path(path[:length])} is an {explanation}"


def _read(text: str, path: KeyPath) -> Plain:
    """Text stays as typed, so that a path may hold `: ` or ` #`; only a bracket or a quote starts a piece of YAML."""
    text = text.strip()
    name = f"{COMMAND_LINE}: {show_path(path)}"
    if text[0] in "[{\"'":
        return read_value(text, name=name)
    try:
        return resolve_scalar(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def set_key(document: Document, path: KeyPath, value: Plain) -> Document:
    """The document with one key changed. Raises ConfigError where the key lies inside a single value."""
    values = copy.deepcopy(document.values)
    if path == ("model",) and isinstance(value, str) and isinstance(values.get("model"), dict):
        path = ("model", "name")  # another model, trained in the same part
    section = values
    for length in range(1, len(path)):
        name = str(path[length - 1])
        if path[:length] == ("model",) and isinstance(section.get(name), str):
            section[name] = {"name": section[name]}  # `model: minilm` is short for a section with this name
        inner = section.setdefault(name, {})
        if not isinstance(inner, dict):
            outer = path[:length]
            where = document.where(outer)
            raise _error(
                f"{show_path(path)}: {show_path(outer)} is {show_value(inner)} ({where}), not a section with keys"
            )
        section = inner
    section[str(path[-1])] = value
    lines = {key: line for key, line in document.lines.items() if key[: len(path)] != path}
    return replace(document, values=values, lines=lines, overridden=document.overridden | {path})


def _error(problem: str) -> ConfigError:
    return ConfigError(f"{COMMAND_LINE}: {problem}")
