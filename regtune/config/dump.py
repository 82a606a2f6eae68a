"""A Config as YAML that reads back to an equal Config, and the schema for editors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from regtune.config.scalars import resolve_scalar
from regtune.config.schema import Config


class _Dumper(yaml.SafeDumper):
    """Quotes a text that our reader, or a YAML 1.1 reader such as PyYAML itself, would take for something else."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _reads_as_itself(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _reads_as_itself(text: str) -> bool:
    try:
        return resolve_scalar(text) == text
    except ValueError:
        return False


_Dumper.add_representer(str, _represent_text)


def dump_config(config: Config) -> str:
    """Every key with its value, defaults included, in schema order: trainable again as it is."""
    return dump_values(config.model_dump(mode="python"))


def dump_values(values: Mapping[str, Any]) -> str:
    """Plain values as YAML that our reader reads back to the same."""
    # width: a line break inside a long text would be legal YAML, and hard to read
    return str(yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000))


def schema_json() -> str:
    """JSON Schema of a config file, for editors that complete and check YAML."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False)
