"""Strict YAML: one mapping of plain values, with the line of every key, or a ConfigError naming the line.

PyYAML only cuts the text into events; what they mean is decided here, so that nothing in a file is ever guessed, built
or repeated: no tags, no anchors and aliases, no duplicate keys, no keys that are not text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from regtune.config.document import Document, KeyPath, Plain, Scalar, Source
from regtune.config.scalars import resolve_scalar
from regtune.config.wording import shorten, show_value
from regtune.errors import ConfigError
from regtune.wording import printable

# A real config has 2 kB and 3 levels; past these it is no config.
MAX_BYTES = 1_000_000
MAX_DEPTH = 50

LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # the C one is about 5 times faster

# What YAML allows in a file (YAML 1.2.2, production [1] c-printable), turned around.
NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What a quoted text can hold by an escape, and no name, path or column can.
NOT_TEXT = re.compile("[\0\ud800-\udfff]")


def read_document(text: str, *, name: str) -> Document:
    """The mapping in the text. name: the file as the user named it. Raises ConfigError for anything not plain YAML."""
    reader = _Reader(text, Source(name=printable(name)))
    values, line = reader.read()
    if values is None:
        raise ConfigError(f"{reader.source.name}: is empty", hint="data.train is the one key every config needs")
    if not isinstance(values, dict):
        found = "a list" if isinstance(values, list) else "a single value"
        raise reader.error(line, f"must be a mapping of keys such as data: and training:, got {found}")
    return Document(name=reader.source.name, values=values, lines=reader.lines)


def read_value(text: str, *, name: str) -> Plain:
    """One value of any kind, as after `key: ` in a file. name: what to call the text in errors."""
    value, _ = _Reader(text, Source(name=printable(name), has_lines=False)).read()
    return value


class _Reader:
    """One method per kind of value. Each nesting level is one recursion, so MAX_DEPTH bounds both."""

    def __init__(self, text: str, source: Source) -> None:
        self.source = source
        self.lines: dict[KeyPath, int] = {}  # 1-based; of a mapping's key or a list's item
        self._events = _events(text, source)

    def read(self) -> tuple[Plain, int]:
        """The value of the whole text and the line it begins on; None for a text without one."""
        next(self._events)  # the stream begins
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None, 1
        event = next(self._events)  # after the document's begin
        value = self._value(event, ())
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self.error(_line(after), "a second document starts here, a config is one document")
        return value, _line(event)

    def error(self, line: int, problem: str) -> ConfigError:
        return ConfigError(f"{self.source.at(line)}: {problem}")

    def _value(self, event: yaml.Event, path: KeyPath) -> Plain:
        self._refuse_what_is_not_plain(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if len(path) == MAX_DEPTH:
            raise self.error(_line(event), f"nested deeper than {MAX_DEPTH} levels")
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._list(path)

    def _mapping(self, path: KeyPath) -> dict[str, Plain]:
        values: dict[str, Plain] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, line = self._key(event), _line(event)
            key_path = (*path, key)
            if key in values:
                first = self.lines[key_path]
                raise self.error(line, f"the key {shorten(key)} is set twice, first on line {first}")
            self.lines[key_path] = line
            values[key] = self._value(next(self._events), key_path)
        return values

    def _list(self, path: KeyPath) -> list[Plain]:
        values: list[Plain] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item_path = (*path, len(values))
            self.lines[item_path] = _line(event)
            values.append(self._value(event, item_path))
        return values

    def _key(self, event: yaml.Event) -> str:
        self._refuse_what_is_not_plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self.error(_line(event), "a key must be a name, got a list or a mapping")
        key = self._scalar(event)
        if not isinstance(key, str):
            raise self.error(_line(event), f"a key must be a name, got {show_value(key)}")
        return key

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        is_plain = event.implicit[0]  # PyYAML: unquoted and untagged
        try:
            value = resolve_scalar(event.value) if is_plain else event.value
        except ValueError as error:
            raise self.error(_line(event), str(error)) from None
        if isinstance(value, str) and NOT_TEXT.search(value):
            problem = f"{show_value(value)} has a character that no name, path or column can have"
            raise self.error(_line(event), problem)
        return value

    def _refuse_what_is_not_plain(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            problem = "anchors and aliases (&x, *x) are not allowed here; write the value out"
            raise self.error(_line(event), problem)
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag is not None:
            raise self.error(_line(event), f"the tag {shorten(event.tag)} is not allowed, write the plain value")


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return int(event.start_mark.line) + 1


def _events(text: str, source: Source) -> Iterator[yaml.Event]:
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{source.name}: is larger than {MAX_BYTES:,} characters, too large for a config")
    if unreadable := NOT_YAML.search(text):
        line = text.count("\n", 0, unreadable.start()) + 1
        code = f"U+{ord(unreadable.group()):04X}"
        raise ConfigError(f"{source.at(line)}: the character {code} is not allowed in a config")
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
