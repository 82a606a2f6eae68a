"""The sweep file: a training config and what to search in it.

    base: small.yaml                 the config to start from, in the same folder; or its sections in place
    output: runs/dropout             folder of the sweep; left out: runs/<name of the sweep file>
    sweep:
      trials: 20
      space:
        regularization.dropout: [0, 0.1, 0.2, 0.3]
        training.learning_rate: {low: 2e-5, high: 5e-4, log: true}

Both files and the command line are one document, checked as one: every problem at once, each with its own place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from regtune.config.document import Document, KeyPath, Plain
from regtune.config.dump import dump_values
from regtune.config.files import read_text
from regtune.config.overrides import apply_overrides
from regtune.config.reader import read_document
from regtune.config.schema import Config
from regtune.config.validate import Problem, check, config_error
from regtune.config.wording import show_value
from regtune.errors import ConfigError
from regtune.run import RUNS, safe_name
from regtune.search.settings import SweepSettings
from regtune.search.space.entries import read_space
from regtune.search.space.space import Space
from regtune.search.sweep_checks import settle

HINT = "regtune sweep --schema lists every key with its meaning"
SPACE: KeyPath = ("sweep", "space")


def _data_or_base(schema: dict[str, Any]) -> None:
    """For editors: one of the two is there, not always data."""
    schema.pop("required")
    schema["oneOf"] = [{"required": ["base"]}, {"required": ["data"]}]


class SweepDocument(Config):
    """A sweep file: a training config, here or in a file of its own, and how to search it."""

    model_config = ConfigDict(json_schema_extra=_data_or_base)

    base: str | None = Field(
        default=None, description="training config to start from, relative to this file; left out: it stands here"
    )
    sweep: SweepSettings = Field(default_factory=SweepSettings)


@dataclass(frozen=True, kw_only=True)
class SweepFile:
    """A sweep as asked for, checked."""

    config: Config  # the base config, without an output folder: each trial has its own
    settings: SweepSettings  # without the space as it was written
    space: Space | None  # None: the default one, see space_for
    config_name: str  # the sweep file as the user named it
    output: str | None  # folder of the sweep; None: runs/<name of the file>
    notes: tuple[str, ...]  # what was decided because the file leaves it open, a sentence each

    @property
    def folder(self) -> Path:
        """Of the sweep."""
        return Path(self.output) if self.output else RUNS / safe_name(Path(self.config_name).stem)

    def space_for(self, task: str, *, steps: int) -> Space:
        """What is searched. task: the config's or the inferred one; steps: of the longest run."""
        from regtune.search.space.default import default_space

        return self.space or default_space(self.config, task=task, steps=steps)

    def to_yaml(self, space: Space) -> str:
        """One file that says the same, with every default and the space written out; base is in place."""
        settings = {**self.settings.model_dump(), "space": space.to_entries()}
        return dump_values({**self.config.model_dump(exclude={"output"}), "output": self.output, "sweep": settings})


def load_sweep(path: str | Path, overrides: Sequence[str] = ()) -> SweepFile:
    """The sweep in a YAML file; a training config is one with nothing said about the search.

    overrides: training.epochs=10 changes the base config, sweep.trials=10 the search. Raises ConfigError with every
    problem of both files and the command line.
    """
    document, misplaced = _read(Path(path))
    document, lines = apply_overrides(document, overrides, root=SweepDocument)
    found: list[Problem] = [(key, partial(str, text)) for key, text in misplaced]
    if ("base",) in document.overridden:
        found.append((("base",), lambda: "is read before the command line; name the config in the sweep file"))
    whole, wrong = check(document, root=SweepDocument)
    found += wrong
    config = _base_config(document)
    space, wrong_entries = _space(document, config)
    found += [(key, partial(str, text)) for key, text in wrong_entries]
    if whole is None or config is None:
        raise config_error(document, found, lines=lines, hint=HINT)
    settled = settle(whole.sweep, config, space, has_space=bool(whole.sweep.space))
    found += [(("sweep", key), partial(str, text)) for key, text in settled.problems]
    if found or lines:
        raise config_error(document, found, lines=lines, hint=HINT)
    return SweepFile(
        config=config,
        settings=settled.settings.model_copy(update={"space": None}),
        space=space,
        config_name=str(path),
        output=whole.output,
        notes=settled.notes,
    )


def sweep_schema_json() -> str:
    """JSON Schema of a sweep file, for editors that complete and check YAML."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SweepDocument.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False)


def _read(path: Path) -> tuple[Document, list[tuple[KeyPath, str]]]:
    """The sweep file with its base as one document, and keys that are in the wrong file.

    A training config's own output names the folder of one run, never that of a sweep.
    """
    own = read_document(read_text(path), name=str(path))
    if "base" not in own.values:
        return (own if "sweep" in own.values else _without(own, "output")), []
    base_name = own.values["base"]
    if not isinstance(base_name, str) or not base_name:
        raise ConfigError(f"{own.where(('base',))}: base: must be the name of a config, got {show_value(base_name)}")
    base = _without(_read_base(path.parent / base_name, place=own.where(("base",))), "output")
    misplaced = [key for key in own.values if key in Config.model_fields and key != "output"]
    problems: list[tuple[KeyPath, str]] = [
        ((key,), f"cannot stand beside base; put it into {base.name}, or on the command line as {_example(own, key)}")
        for key in misplaced
    ]
    kept = _without(own, *misplaced)
    document = replace(
        base,
        values={**base.values, **kept.values},
        lines={**base.lines, **own.lines},
        files=dict.fromkeys(own.values, own.name),
    )
    return document, problems


def _read_base(path: Path, *, place: str) -> Document:
    try:
        base = read_document(read_text(path), name=str(path))
    except ConfigError as error:
        raise ConfigError(*(f"{place}: base: {problem}" for problem in error.problems), hint=error.hint) from None
    nested = next((key for key in base.values if key in ("base", "sweep")), None)
    if nested:
        raise ConfigError(f"{place}: base: must be a training config, {base.where((nested,))} has {nested}")
    return base


def _without(document: Document, *keys: str) -> Document:
    return replace(document, values={key: value for key, value in document.values.items() if key not in keys})


def _example(document: Document, key: str) -> str:
    value = document.values[key]
    return f"{key}.{next(iter(value))}=…" if isinstance(value, dict) and value else f"{key}=…"


def _base_config(document: Document) -> Config | None:
    """The training config in the document; None where it is not valid."""
    config, _ = check(_without(document, "base", "sweep", "output"), root=Config)
    return config


def _space(document: Document, config: Config | None) -> tuple[Space | None, list[tuple[KeyPath, str]]]:
    section = document.values.get("sweep")
    entries: Plain = section.get("space") if isinstance(section, dict) else None
    if not isinstance(entries, dict):  # left out, or not a section, which `check` reports
        return None, []
    if not entries:
        return None, [(SPACE, "is empty; leave it out for the default space, or name a key with its choices")]
    space, problems = read_space(entries, config)
    return space, [((*SPACE, key), problem) for key, problem in problems.items()]
