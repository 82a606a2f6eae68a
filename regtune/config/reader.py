"""Strict YAML: one mapping of plain values, with the line of every key, or a ConfigError naming the line.

PyYAML only cuts the text into events; what they mean is decided here, so that nothing in a file is ever guessed, built
or expanded: no tags, no duplicate keys, no keys that are not text, no cycles, and limits on size, depth and repetition.
Reading never recurses into the file's own nesting beyond MAX_DEPTH.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from regtune.config.composer import Composer, Entry, Node
from regtune.config.document import Document, KeyPath, Plain, Source
from regtune.config.limits import MAX_BYTES, MAX_DEPTH, MAX_VALUES
from regtune.errors import ConfigError
from regtune.wording import printable

LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # the C one is about 5 times faster

# What YAML allows in a file (YAML 1.2.2, production [1] c-printable), turned around.
NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_document(text: str, *, name: str) -> Document:
    """The mapping in the text. name: the file as the user named it. Raises ConfigError for anything not plain YAML."""
    source = Source(name=printable(name))
    root = _compose(text, source)
    if root is None or root.content is None:
        raise ConfigError(f"{source.name}: is empty", hint="data.train is the one key every config needs")
    lines: dict[KeyPath, int] = {}
    values = _unfold(root, (), lines, source)
    if not isinstance(values, dict):
        found = "a list" if isinstance(values, list) else "a single value"
        raise ConfigError(f"{source.at(root.line)}: must be a mapping of keys such as data: and training:, got {found}")
    return Document(name=source.name, values=values, lines=lines)


def read_value(text: str, *, name: str) -> Plain:
    """One value of any kind, as after `key: ` in a file. name: what to call the text in errors."""
    source = Source(name=printable(name), has_lines=False)
    root = _compose(text, source)
    return None if root is None else _unfold(root, (), {}, source)


def _compose(text: str, source: Source) -> Node | None:
    _check_text(text, source)
    composer = Composer(source)
    for event in _events(text, source):
        composer.take(event)
    return composer.root


def _check_text(text: str, source: Source) -> None:
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{source.name}: is larger than {MAX_BYTES:,} characters, too large for a config")
    unreadable = NOT_YAML.search(text)
    if unreadable:
        line = text.count("\n", 0, unreadable.start()) + 1
        code = f"U+{ord(unreadable.group()):04X}"
        raise ConfigError(f"{source.at(line)}: the character {code} is not allowed in a config")


def _events(text: str, source: Source) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, source) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML's own scanner: chr() of an escape too high
        raise ConfigError(f"{source.name}: is not valid YAML: {printable(str(error))}") from None


def _syntax_error(error: yaml.MarkedYAMLError, text: str, source: Source) -> ConfigError:
    lines = text.splitlines()
    # What is never closed is only missed at the end of the file; context_mark is where it was opened.
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark and mark.line < len(lines)]
    if not marks:
        return ConfigError(f"{source.name}: is not valid YAML: {printable(error.problem or str(error))}")
    mark = marks[0]
    line = lines[mark.line]
    place = source.at(mark.line + 1)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return ConfigError(f"{place}: a tab indents this line, YAML allows only spaces")
    problem = printable(", ".join(part for part in (error.problem, error.context) if part))
    hint = "a text with a colon and a space in it needs quotes" if "mapping values" in problem else None
    return ConfigError(f"{place}: is not valid YAML: {problem}", hint=hint)


def _unfold(node: Node, path: KeyPath, lines: dict[KeyPath, int], source: Source) -> Plain:
    """Plain values below a node, each alias replaced by a copy of its own; fills lines as it goes."""
    if len(path) > MAX_DEPTH:
        raise ConfigError(
            f"{source.at(node.line)}: nested deeper than {MAX_DEPTH} levels once its aliases are written out"
        )
    if isinstance(node.content, dict):
        return {key: _unfold_entry(entry, (*path, key), lines, source) for key, entry in node.content.items()}
    if isinstance(node.content, list):
        return [_unfold_entry(entry, (*path, place), lines, source) for place, entry in enumerate(node.content)]
    return node.content


def _unfold_entry(entry: Entry, path: KeyPath, lines: dict[KeyPath, int], source: Source) -> Plain:
    if len(lines) == MAX_VALUES:
        raise ConfigError(f"{source.at(entry.line)}: more than {MAX_VALUES:,} values, too many for a config")
    lines[path] = entry.line
    return _unfold(entry.node, path, lines, source)
