"""From YAML events to a tree of nodes, with an explicit stack: depth costs memory, never Python recursion."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from regtune.config.document import Scalar, Source
from regtune.config.limits import MAX_ALIASES, MAX_DEPTH, MAX_VALUES
from regtune.config.scalars import resolve_scalar
from regtune.config.wording import shorten, show_value
from regtune.errors import ConfigError


@dataclass(frozen=True)
class Entry:
    """One member of a mapping or list. line: of its key, or of the list item, 1-based."""

    line: int
    node: Node


@dataclass
class Node:
    """A value. An aliased node is shared by several entries; it never contains itself."""

    line: int
    content: Scalar | dict[str, Entry] | list[Entry]


@dataclass
class _Open:
    """A mapping or list whose end has not come yet."""

    node: Node
    key: tuple[str, int] | None = None  # a mapping's key waiting for its value, and the key's line


class Composer:
    """Feed it every event in order; root is then the document's value, None for a text without one."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._values = 0

    def take(self, event: yaml.Event) -> None:
        """Raises ConfigError with the event's line for what strict YAML does not allow."""
        assert event.start_mark is not None
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            if self.root is not None:
                raise self._error(line, "a second document starts here, a config is one document")
        elif isinstance(event, yaml.AliasEvent):
            self._refuse_as_key(line)
            self._place(line, self._resolve_alias(event, line))
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            self._start_node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()

    def _start_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
        if event.tag is not None:
            raise self._error(line, f"the tag {shorten(event.tag)} is not allowed, write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            if self._key_is_due():
                self._set_key(event, line)
                return
            node = Node(line, self._scalar(event, line))
        else:
            self._refuse_as_key(line)
            node = Node(line, {} if isinstance(event, yaml.MappingStartEvent) else [])
        self._place(line, node)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self._stack) == MAX_DEPTH:
                raise self._error(line, f"nested deeper than {MAX_DEPTH} levels")
            self._stack.append(_Open(node))

    def _place(self, line: int, node: Node) -> None:
        """Put a finished or just opened value where the text has it."""
        self._values += 1
        if self._values > MAX_VALUES:  # before aliases are written out, so that a huge file ends early
            raise self._error(line, f"more than {MAX_VALUES:,} values, too many for a config")
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if isinstance(parent.node.content, list):
            parent.node.content.append(Entry(line, node))
        elif isinstance(parent.node.content, dict) and parent.key is not None:
            key, key_line = parent.key
            parent.node.content[key] = Entry(key_line, node)
            parent.key = None

    def _key_is_due(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].node.content, dict) and self._stack[-1].key is None

    def _refuse_as_key(self, line: int) -> None:
        if self._key_is_due():
            raise self._error(line, "a key must be a name, got a list, a mapping or an alias")

    def _set_key(self, event: yaml.ScalarEvent, line: int) -> None:
        parent = self._stack[-1]
        key = self._scalar(event, line)
        if not isinstance(key, str):
            raise self._error(line, f"a key must be a name, got {show_value(key)}")
        assert isinstance(parent.node.content, dict)
        if key in parent.node.content:
            first = parent.node.content[key].line
            raise self._error(line, f"the key {shorten(key)} is set twice, first on line {first}")
        parent.key = (key, line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Scalar:
        is_plain = event.implicit[0]  # PyYAML: unquoted and untagged
        try:
            value = resolve_scalar(event.value) if is_plain else event.value
        except ValueError as error:
            raise self._error(line, str(error)) from None
        if isinstance(value, str) and any(
            character == "\0" or "\ud800" <= character <= "\udfff" for character in value
        ):
            raise self._error(line, f"{show_value(value)} has a character that no name, path or column can have")
        return value

    def _resolve_alias(self, event: yaml.AliasEvent, line: int) -> Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise self._error(line, f"more than {MAX_ALIASES} aliases")
        alias = shorten(f"*{event.anchor}")
        node = self._anchors.get(str(event.anchor))
        if node is None:
            raise self._error(line, f"the alias {alias} has no anchor above it")
        if any(open_node.node is node for open_node in self._stack):
            raise self._error(line, f"the alias {alias} stands inside the value it repeats")
        return node

    def _error(self, line: int, problem: str) -> ConfigError:
        return ConfigError(f"{self.source.at(line)}: {problem}")
