"""Which arms a config has, and the jobs they become."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable

import pytest

from regtune.config import parse_config
from regtune.config.changes import with_changes
from regtune.config.schema import Config
from regtune.errors import ConfigError
from regtune.search.ablation.arms import ablation_arms, ablation_jobs, ablation_settings, off_values, repeated_by
from regtune.search.settings import repetitions
from regtune.search.study.job import Job, Repetition

Make = Callable[..., Config]
CLASSES = ("task=text-classification", "training.epochs=9")  # so many that patience 3 can fire
OFF = (
    "regularization.dropout=0",
    "regularization.weight_decay=0",
    "regularization.patience=null",
    "regularization.smoothing=0",
)
FOLDS = [Repetition(fold=1, folds=2, seed=0), Repetition(fold=2, folds=2, seed=1)]


def only(name: str) -> list[str]:
    """Overrides that leave one technique of the recipe on."""
    return [override for override in OFF if f".{name}=" not in override]


def repeated_over(config: Config, *, folds: int | None = None, seeds: int | None = None) -> list[Repetition]:
    return repetitions(ablation_settings(config, folds=folds, seeds=seeds), seed=config.training.seed)


def test_the_recipe_has_the_full_arm_each_off_each_alone_and_nothing(make_config: Make) -> None:
    assert [arm.name for arm in ablation_arms(make_config(*CLASSES))] == [
        "full",
        "no dropout",
        "no weight_decay",
        "no patience",
        "no smoothing",
        "only dropout",
        "only weight_decay",
        "only patience",
        "only smoothing",
        "nothing",
    ]


def test_full_changes_nothing_and_nothing_switches_all_off(make_config: Make) -> None:
    full, *_, nothing = ablation_arms(make_config(*CLASSES))

    assert full.changes == {}
    assert nothing.changes == {
        "regularization.dropout": 0.0,
        "regularization.weight_decay": 0.0,
        "regularization.patience": None,
        "regularization.smoothing": 0.0,
    }


def test_an_arm_alone_switches_the_others_off(make_config: Make) -> None:
    arms = {arm.name: arm for arm in ablation_arms(make_config(*CLASSES))}

    assert set(arms["only smoothing"].changes) == {
        "regularization.dropout",
        "regularization.weight_decay",
        "regularization.patience",
    }
    assert arms["no smoothing"].changes == {"regularization.smoothing": 0.0}


def test_with_one_technique_no_arm_is_trained_twice(make_config: Make) -> None:
    arms = ablation_arms(make_config(*CLASSES, *only("dropout")))

    assert [(arm.name, arm.techniques) for arm in arms] == [("full", ("dropout",)), ("nothing", ())]


def test_with_two_techniques_one_off_is_the_other_alone(make_config: Make) -> None:
    overrides = [override for override in OFF if "dropout" not in override and "smoothing" not in override]

    arms = ablation_arms(make_config(*CLASSES, *overrides))

    assert [(arm.name, arm.techniques) for arm in arms] == [
        ("full", ("dropout", "smoothing")),
        ("no dropout", ("smoothing",)),
        ("no smoothing", ("dropout",)),
        ("nothing", ()),
    ]


def test_with_no_technique_there_is_nothing_to_take_away(make_config: Make) -> None:
    with pytest.raises(ConfigError, match="every technique is off"):
        ablation_arms(make_config(*CLASSES, *OFF))


@pytest.mark.parametrize(
    ("override", "technique", "off"),
    [
        ("regularization.dropout=0.3", "dropout", 0.0),
        ("regularization.dropout=keep", "dropout", {"hidden": 0.0, "embedding": 0.0}),
        ("regularization.dropout={attention: 0.1}", "dropout", {"hidden": 0.0, "embedding": 0.0}),
        ("regularization.drop_path=0.1", "drop_path", 0.0),
        ("regularization.augmentation=0.05", "augmentation", 0.0),
        ("regularization.augmentation={mask: 0.1}", "augmentation", 0.0),
        ("regularization.patience=1", "patience", None),
    ],
)
def test_every_way_to_switch_a_technique_on_has_its_off(
    make_config: Make, override: str, technique: str, off: object
) -> None:
    config = make_config(*CLASSES, *only(technique), override)

    assert off_values(config) == {technique: off}
    assert off_values(with_changes(config, ablation_arms(config)[-1].changes)) == {}


@pytest.mark.parametrize(
    "override",
    [
        "regularization.dropout={hidden: 0}",
        "regularization.augmentation={mask: 0}",
        "regularization.drop_path=0",
        "training.class_weights=balanced",
    ],
)
def test_what_is_at_zero_or_no_regularization_has_no_arm(make_config: Make, override: str) -> None:
    name = override.removeprefix("regularization.").split("=")[0]

    assert off_values(make_config(*only(name), override)) == {}


def test_patience_that_can_never_fire_has_no_arm(make_config: Make) -> None:
    config = make_config("task=text-classification", "training.epochs=4", "regularization.patience=3")

    assert "patience" not in off_values(config)  # the third miss in a row is the fourth evaluation, the last one


def test_jobs_come_repetition_by_repetition(make_config: Make) -> None:
    jobs = ablation_jobs(make_config(*CLASSES, *only("dropout")), FOLDS)

    assert [(job.key, job.candidate, job.repetition) for job in jobs] == [
        ("full-r0", "full", FOLDS[0]),
        ("nothing-r0", "nothing", FOLDS[0]),
        ("full-r1", "full", FOLDS[1]),
        ("nothing-r1", "nothing", FOLDS[1]),
    ]
    assert {job.stage for job in jobs} == {"ablation"}


def test_keys_are_unique_and_safe_as_file_names(make_config: Make) -> None:
    config = make_config(*CLASSES, "regularization.augmentation=0.1", "regularization.drop_path=0.1")
    keys = [job.key for job in ablation_jobs(config, FOLDS)]

    assert len(set(keys)) == len(keys) == 2 * 14
    assert all(re.fullmatch("[a-z0-9_-]+", key) for key in keys)


def test_a_job_survives_the_queue(make_config: Make) -> None:
    config = make_config(*CLASSES, "regularization.dropout=keep")

    for job in ablation_jobs(config, FOLDS):
        assert Job.from_attribute(json.loads(json.dumps(job.to_attribute()))) == job


def test_five_folds_unless_told_otherwise(make_config: Make) -> None:
    repeated = repeated_over(make_config("training.seed=7"))

    assert [dataclasses.astuple(one) for one in repeated] == [(1, 5, 7), (2, 5, 8), (3, 5, 9), (4, 5, 10), (5, 5, 11)]
    assert repeated_by(repeated) == "fold"


def test_a_validation_file_is_repeated_over_seeds(make_config: Make) -> None:
    repeated = repeated_over(make_config("data.validation=dev.csv"))

    assert [(one.folds, one.seed) for one in repeated] == [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4)]
    assert repeated_by(repeated) == "seed"


def test_a_config_on_one_fold_is_repeated_over_all() -> None:
    config = parse_config("{data: {train: x.csv, validation: fold:2/3}}", name="c.yaml")

    assert [(one.fold, one.folds) for one in repeated_over(config)] == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_seeds_keep_the_configs_own_split(make_config: Make) -> None:
    repeated = repeated_over(make_config(), seeds=2)

    assert repeated == [Repetition(fold=1, folds=1, seed=0), Repetition(fold=1, folds=1, seed=1)]


@pytest.mark.parametrize(
    ("folds", "seeds", "text"),
    [
        (5, 5, "--folds or --seeds, not both, got 5 and 5"),
        (21, None, "--folds: must be from 1 to 20, got 21"),
        (0, None, "--folds: must be from 1 to 20, got 0"),
        (None, 0, "--seeds: must be from 1 to 100, got 0"),
    ],
)
def test_a_wrong_number_is_refused(make_config: Make, folds: int | None, seeds: int | None, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        ablation_settings(make_config(), folds=folds, seeds=seeds)


def test_folds_of_a_validation_file_are_refused_with_the_reason(make_config: Make) -> None:
    with pytest.raises(ConfigError, match=r"the rows to hold out are given, data\.validation is the file dev\.csv"):
        ablation_settings(make_config("data.validation=dev.csv"), folds=5, seeds=None)
