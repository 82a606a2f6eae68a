"""Config files: strict YAML in, a checked Config or every problem with its line out.

    config = load_config("configs/small.yaml", ["regularization.dropout=0.3"])
    config.training.learning_rate

A file goes through read_text (files), read_document (reader), apply_overrides (overrides) and validate (validate).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from regtune.config.document import Document
from regtune.config.dump import dump_config, schema_json
from regtune.config.files import read_text
from regtune.config.overrides import apply_overrides
from regtune.config.reader import read_document
from regtune.config.schema import Config
from regtune.config.validate import check_contradictions, validate
from regtune.errors import ConfigError

__all__ = ["Config", "check_contradictions", "dump_config", "load_config", "parse_config", "schema_json"]


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The config in a YAML file. overrides: "section.key=value", applied in order. Raises ConfigError."""
    return parse_config(read_text(Path(path)), name=str(path), overrides=overrides)


def parse_config(text: str, *, name: str, overrides: Sequence[str] = ()) -> Config:
    """The config in a YAML text. name: what to call it in errors. Raises ConfigError naming every problem."""
    document = read_document(text, name=name)
    _refuse_sweep(document)
    document, problems = apply_overrides(document, overrides)
    return validate(document, problems=problems)


def _refuse_sweep(document: Document) -> None:
    """`base` and `sweep` are what a sweep file has beside a config's keys; one line instead of one for each key."""
    found = next((key for key in document.values if key in ("base", "sweep")), None)
    if found:
        raise ConfigError(
            f"{document.where((found,))}: {found}: a sweep file has this, a training config does not; "
            f"search with `regtune sweep {document.name}`"
        )
