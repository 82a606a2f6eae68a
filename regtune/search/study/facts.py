"""What a study is about, kept in the study itself: any worker on any machine learns from it what to train.

A study that was begun with other rows, another model, config or space must not be added to: its numbers would not be
comparable. `refuse_changes` says what differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from regtune.config import parse_config
from regtune.config.changes import differences
from regtune.config.schema import Config
from regtune.config.wording import shorten, show_value
from regtune.errors import ConfigError, EnvironmentFault

if TYPE_CHECKING:
    import optuna

ATTRIBUTE = "regtune"  # the study's user attribute
MAY_CHANGE = ("trials",)  # of the settings, when a study goes on

Kind = Literal["sweep", "ablation"]


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """config: YAML of the base config, resolved, with absolute paths. space: see `Space.to_plain`."""

    kind: Kind
    config: str
    settings: dict[str, Any]
    space: list[dict[str, Any]]
    fingerprint: dict[str, str]  # of rows, split, classes, weights; see `regtune.search.study.fingerprint`
    task: str
    headline: str  # metric
    unit: str  # of the loss
    notes: tuple[str, ...]  # what reading the data found, a line each
    host: str  # where the study was made; an SQLite file must stay there
    folder: str  # of the sweep, on that host

    @property
    def base(self) -> Config:
        return parse_config(self.config, name="the study's config")


def write_facts(study: optuna.Study, facts: StudyFacts) -> None:
    study.set_user_attr(ATTRIBUTE, asdict(facts))


def read_facts(study: optuna.Study) -> StudyFacts:
    """Raises ConfigError when the study is not regtune's."""
    stored = study.user_attrs.get(ATTRIBUTE)
    if stored is None:
        raise ConfigError(
            f"study {study.study_name}: is not one of regtune's, it has no facts about data and config",
            hint="choose another name with --study NAME",
        )
    return StudyFacts(**{**stored, "notes": tuple(stored["notes"])})


def refuse_changes(stored: StudyFacts, now: StudyFacts, *, study: str) -> None:
    """Raise ConfigError with every difference that would make the study's trials incomparable."""
    if stored.kind != now.kind:
        raise ConfigError(f"study {study}: is of another project, {stored.kind}, not {now.kind}", hint=OTHER_NAME)
    problems = [
        f"{key}: the study was begun with {show_value(old)}, now {show_value(new)}"
        for key, (old, new) in differences(stored.base, now.base).items()
    ]
    # Where it was left out, confirm is no larger than trials, and grows with them.
    follows_trials = stored.settings["confirm"] == stored.settings["trials"]
    problems += [
        f"sweep.{key}: the study was begun with {show_value(old)}, now {show_value(new)}"
        for key, (old, new) in _different(stored.settings, now.settings).items()
        if key not in MAY_CHANGE and not (key == "confirm" and follows_trials)
    ]
    problems += _different_spaces(stored.space, now.space)
    problems += [f"{name} differs" for name in _different(stored.fingerprint, now.fingerprint)]
    if problems:
        raise ConfigError(*(f"study {study}: {problem}" for problem in problems), hint=OTHER_NAME)


OTHER_NAME = "undo the change, or start another sweep with another output=… (--study NAME in a shared database)"


def refuse_other_rows(stored: StudyFacts, here: Mapping[str, str]) -> None:
    """Raise EnvironmentFault when this machine does not have the study's data, model or version. here: fingerprint."""
    changed = list(_different(stored.fingerprint, here))
    if changed:
        raise EnvironmentFault(
            f"this machine does not have what the study was begun with (different: {', '.join(changed)})",
            hint="copy the same files here, or say where they lie: data.train=… model=…",
        )


def _different(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (before.get(key), now.get(key)) for key in {**before, **now} if before.get(key) != now.get(key)}


def _different_spaces(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[str]:
    spaces = [{entry["key"]: entry for entry in space} for space in (before, now)]
    return [
        f"sweep.space.{key}: the study was begun with {_show_entry(old)}, now {_show_entry(new)}"
        for key, (old, new) in _different(*spaces).items()
    ]


def _show_entry(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "nothing"
    return shorten(json.dumps(entry.get("choices", {name: entry[name] for name in entry if name != "key"})))
