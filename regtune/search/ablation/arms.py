"""The arms of an ablation: which techniques are on in each, as jobs for the same queue and workers as a sweep's.

    full          the config as it is
    no X          without technique X, for each X that is on in the config
    only X        with technique X alone
    nothing       every technique off

Two arms with the same techniques are one: with two techniques "no A" is "only B", with one "no A" is "nothing". All
arms train on the same repetitions, so that any two can be paired row by row.

What off means. A strength is 0, as in a config. Dropout that was asked for by kind of site, or left to the model
(`keep`), is 0 at every kind. Patience is null: every epoch is trained, and the weights of the best evaluation come back
all the same. So patience changes how long a run takes, and which evaluations the best one is picked from, but never
makes the monitored value better: see `regtune.search.ablation.result.Stopping` for what it protects from.

A run with patience is the beginning of the run without it. Both are trained even so: the answers of a run are those at
its best evaluation, and where the longer run has a later best, those at the earlier one are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from regtune.config.document import Plain
from regtune.config.folds import MOST_FOLDS, is_fold
from regtune.config.schema import Config, RegularizationSettings
from regtune.errors import ConfigError
from regtune.search.settings import SweepSettings
from regtune.search.study.job import Job, Repetition

TECHNIQUES = ("dropout", "drop_path", "weight_decay", "patience", "smoothing", "augmentation")
FULL, NOTHING = "full", "nothing"
REPEATS = 5  # folds, or seeds, where the user names no number
MOST_SEEDS = 100  # as in a sweep


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A config of the ablation. techniques: those that are on, in the order of TECHNIQUES."""

    name: str  # "full", "no dropout", "only dropout", "nothing"
    techniques: tuple[str, ...]
    changes: dict[str, Plain]  # dotted key → value, against the config

    @property
    def key(self) -> str:
        """The name as a part of a file's name."""
        return self.name.replace(" ", "-")


def off_values(config: Config) -> dict[str, Plain]:
    """{technique: the value that switches it off}, of the techniques that are on; patience only where it can fire.

    A drop_path that is left to the model is not one of them: most models have none. Class weights are no technique.
    """
    settings = config.regularization
    dropout, augmentation = settings.dropout, settings.augmentation
    is_plain = isinstance(dropout, int | float)
    # One number leaves embedding dropout of some architectures to the model, 0 as well; the other forms may not.
    no_dropout: Plain = 0.0 if is_plain else {"hidden": 0.0, "embedding": 0.0}
    strengths = [augmentation] if isinstance(augmentation, int | float) else augmentation.model_dump().values()
    on: dict[str, tuple[bool, Plain]] = {
        "dropout": (_drops(settings), no_dropout),
        "drop_path": (bool(settings.drop_path), 0.0),
        "weight_decay": (settings.weight_decay > 0, 0.0),
        "patience": (_can_fire(config), None),
        "smoothing": (settings.smoothing > 0, 0.0),
        "augmentation": (any(strengths), 0.0),
    }
    return {technique: on[technique][1] for technique in TECHNIQUES if on[technique][0]}


def _can_fire(config: Config) -> bool:
    from regtune.regularization.patience import earliest_stop_evaluation

    patience = config.regularization.patience
    evaluations = config.training.epochs * config.training.evaluations_per_epoch
    return patience is not None and earliest_stop_evaluation(patience) < evaluations


def _drops(settings: RegularizationSettings) -> bool:
    dropout = settings.dropout
    if isinstance(dropout, int | float):
        return dropout > 0
    return dropout == "keep" or any(dropout.model_dump().values())


def ablation_arms(config: Config) -> list[Arm]:
    """full, each technique off, each alone, nothing; see the module. config: its task resolved, smoothing decided.

    Raises ConfigError when no technique is on.
    """
    assert config.task is not None  # it decides whether a smoothing that was left out is on
    off = off_values(config)
    if not off:
        raise ConfigError(
            "regularization: every technique is off, there is nothing to take away",
            hint="set one, for example regularization.dropout=0.1; `regtune explain` lists the techniques",
        )
    on = tuple(off)
    wanted = [(FULL, on)]
    wanted += [(f"no {left_out}", tuple(t for t in on if t != left_out)) for left_out in on]
    wanted += [(f"only {technique}", (technique,)) for technique in on]
    wanted += [(NOTHING, ())]
    by_techniques: dict[tuple[str, ...], str] = {}
    for name, techniques in sorted(wanted, key=lambda arm: arm[0] not in (FULL, NOTHING)):  # these two keep their names
        by_techniques.setdefault(techniques, name)
    names = set(by_techniques.values())
    return [
        Arm(
            name=name,
            techniques=techniques,
            changes={f"regularization.{t}": value for t, value in off.items() if t not in techniques},
        )
        for name, techniques in wanted
        if name in names
    ]


def ablation_jobs(config: Config, repeated: Sequence[Repetition]) -> list[Job]:
    """Every arm on every repetition: all arms of the first repetition, then of the next. Raises as `ablation_arms`."""
    arms = ablation_arms(config)
    return [
        Job(
            key=f"{arm.key}-r{number}",
            candidate=arm.name,
            stage="ablation",
            repetition=repetition,
            changes=arm.changes,
        )
        for number, repetition in enumerate(repeated)
        for arm in arms
    ]


def ablation_settings(config: Config, *, folds: int | None, seeds: int | None) -> SweepSettings:
    """What every arm is repeated over: folds of the rows, or seeds on the config's own split; at most one is given.

    Neither: 5 folds, or 5 seeds where data.validation is a file, whose rows are always the ones held out.
    Raises ConfigError for both, for folds of a file, and for numbers out of range.
    """
    validation = config.data.validation
    has_file = isinstance(validation, str) and not is_fold(validation)
    if folds is not None and seeds is not None:
        raise ConfigError(f"command line: --folds or --seeds, not both, got {folds} and {seeds}")
    for option, count, most in (("--folds", folds, MOST_FOLDS), ("--seeds", seeds, MOST_SEEDS)):
        if count is not None and not 1 <= count <= most:
            raise ConfigError(f"command line: {option}: must be from 1 to {most}, got {count}")
    if folds is not None and folds > 1 and has_file:
        raise ConfigError(
            f"command line: --folds: the rows to hold out are given, data.validation is the file {validation}",
            hint=f"--folds divides the training rows: set data.validation=0.2, or repeat with --seeds {REPEATS}",
        )
    if folds is None and seeds is None:
        folds, seeds = (None, REPEATS) if has_file else (REPEATS, None)
    return SweepSettings(folds=folds or 1, seeds=seeds or 1)


def repeated_by(repeated: Sequence[Repetition]) -> Literal["fold", "seed"]:
    """What differs between repetitions, in one word."""
    return "fold" if repeated[0].folds > 1 else "seed"
