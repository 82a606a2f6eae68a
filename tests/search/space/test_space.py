"""What is searched: values and Optuna parameters stand for each other, and every wrong entry is one line."""

import warnings

import optuna
import pytest

from regtune.config import parse_config
from regtune.config.changes import value_at, with_changes
from regtune.errors import ConfigError
from regtune.search.judging.result import Edge
from regtune.search.space.default import default_space, everything_off
from regtune.search.space.entries import read_space
from regtune.search.space.space import Space

DROPOUT, DECAY, RATE = "regularization.dropout", "regularization.weight_decay", "training.learning_rate"
SMOOTHING, AUGMENTATION = "regularization.smoothing", "regularization.augmentation"
ENTRIES = {
    DROPOUT: {"low": 0.0, "high": 0.5, "step": 0.1},
    DECAY: [10, 0, 0.1],
    RATE: {"low": 1e-5, "high": 1e-3, "log": True},
    AUGMENTATION: {"low": 0.1, "high": 0.3, "off": True},
    "training.epochs": {"low": 2, "high": 8, "step": 2},
    "training.schedule": ["linear", "cosine"],
    "training.clip_norm": [1, None],
}
SPACE = Space.from_entries(ENTRIES)


def config(text=""):
    return parse_config("data: {train: a.csv}\n" + text, name="a.yaml")


def problem(key, entry, text=""):
    space, problems = read_space({key: entry}, config(text))
    assert space is None
    return problems[key]


def study_of(space, **options):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **options)


@pytest.fixture(autouse=True)
def quiet_optuna():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


# ---- values and parameters -------------------------------------------------------------------------------------------


def test_suggested_values_are_a_valid_config_and_come_in_space_order():
    study = study_of(SPACE)
    for _ in range(50):
        values = SPACE.suggest(study.ask())
        with_changes(config(), values)

        assert list(values) == list(ENTRIES)


def test_parameters_stand_for_the_values_that_were_suggested():
    study = study_of(SPACE)
    for _ in range(50):
        trial = study.ask()

        assert SPACE.suggest(trial) == SPACE.values_of(trial.params)


def test_a_strength_is_only_asked_for_when_its_technique_is_on():
    space, study = Space.from_entries({AUGMENTATION: ENTRIES[AUGMENTATION]}), study_of(SPACE)
    trials = [study.ask() for _ in range(20)]
    values = [space.suggest(trial)[AUGMENTATION] for trial in trials]

    assert {len(trial.params) for trial in trials} == {1, 2}
    assert all(
        (value == 0) == (trial.params[AUGMENTATION] == "off") for value, trial in zip(values, trials, strict=True)
    )
    assert all(value == 0 or 0.1 <= value <= 0.3 for value in values)


def test_steps_are_written_as_they_are_meant():
    """0.1 + 2 · 0.1 is 0.30000000000000004 in binary."""
    assert Space.from_entries({DROPOUT: {"low": 0.1, "high": 0.5, "step": 0.1}}).grid()[2] == {DROPOUT: 0.3}


def test_a_continuous_value_has_four_digits():
    space = Space.from_entries({RATE: ENTRIES[RATE]})

    assert space.values_of({RATE: 0.000123456789}) == {RATE: 0.0001235}


def test_numbers_of_a_list_are_in_order_for_the_sampler():
    space = Space.from_entries({DECAY: [10, 0, 0.1]})

    assert space.params_of({DECAY: 10.0}) == {f"{DECAY}.place": 2}
    assert space.values_of({f"{DECAY}.place": 1}) == {DECAY: 0.1}


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [
        (DROPOUT, 0.1, 0.1),
        (DROPOUT, 0.9, 0.5),
        (DROPOUT, 0.26, 0.3),
        (DROPOUT, "keep", 0.2),
        (RATE, 1.0, 1e-3),
        (RATE, 0.0, 1e-5),
        (DECAY, 7.0, 10.0),
        (DECAY, 0.04, 0.0),
        (AUGMENTATION, 0.0, 0.0),
        (AUGMENTATION, 0.01, 0.1),
        ("training.epochs", 20, 8),
        ("training.epochs", 3, 2),
        ("training.schedule", "constant", "cosine"),
        ("training.clip_norm", 5.0, 1),
        ("training.clip_norm", None, None),
    ],
)
def test_a_value_outside_of_the_space_becomes_its_nearest_point(key, value, nearest):
    space = Space.from_entries({key: ENTRIES[key]})

    assert space.values_of(space.params_of({key: value})) == {key: nearest}


def test_any_config_can_be_enqueued_without_a_warning():
    values = {DROPOUT: "keep", DECAY: 99.0, RATE: 7.0, AUGMENTATION: 0.9, "training.epochs": 99}
    values |= {"training.schedule": "constant", "training.clip_norm": 3.3}
    params, study = SPACE.params_of(values), study_of(SPACE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.enqueue_trial(params)
        trial = study.ask()
        SPACE.suggest(trial)

    assert trial.params == params


@pytest.mark.parametrize(
    ("key", "extremes"),
    [(DROPOUT, (0.0, 0.5)), (DECAY, (0.0, 0.1, 10.0)), (AUGMENTATION, (0.0, 0.1, 0.3)), ("training.epochs", (2, 8))],
)
def test_the_extremes_stand_for_all_values(key, extremes):
    assert Space.from_entries({key: ENTRIES[key]}).dimensions[0].extremes() == extremes


def test_a_space_survives_json():
    assert Space.from_plain(SPACE.to_plain()) == SPACE
    assert Space.from_entries(SPACE.to_entries()) == SPACE


def test_only_a_technique_that_may_be_off_makes_a_space_conditional():
    assert SPACE.is_conditional
    assert not Space.from_entries({DECAY: [0, 1], RATE: ENTRIES[RATE]}).is_conditional


def test_a_space_is_described_line_by_line():
    assert SPACE.describe() == [
        "regularization.dropout: 0 to 0.5 in steps of 0.1",
        "regularization.weight_decay: 0, 0.1, 10",
        "training.learning_rate: 1e-05 to 0.001, log",
        "regularization.augmentation: off, or 0.1 to 0.3",
        "training.epochs: 2 to 8 in steps of 2",
        "training.schedule: linear, cosine",
        "training.clip_norm: 1, null",
    ]


# ---- grid and edges --------------------------------------------------------------------------------------------------


def test_a_grid_has_all_combinations_the_last_key_fastest():
    space = Space.from_entries({"training.epochs": {"low": 2, "high": 3}, DECAY: [0, 1]})

    assert [tuple(point.values()) for point in space.grid()] == [(2, 0), (2, 1), (3, 0), (3, 1)]
    assert space.grid_size() == 4


def test_off_is_a_point_of_the_grid():
    space = Space.from_entries({AUGMENTATION: {"low": 0.1, "high": 0.3, "step": 0.1, "off": True}})

    assert [point[AUGMENTATION] for point in space.grid()] == [0.0, 0.1, 0.2, 0.3]


def test_a_continuous_range_has_no_grid():
    with pytest.raises(ConfigError, match=r"^training.learning_rate: a grid needs a step or a list of choices$"):
        Space.from_entries({RATE: ENTRIES[RATE], DECAY: [0, 1]}).grid()


@pytest.mark.parametrize(
    ("key", "value", "is_edge"),
    [
        (RATE, 1e-3, True),
        (RATE, 1e-5, True),
        (RATE, 1e-4, False),
        (DROPOUT, 0.0, False),  # nothing is below 0
        (DROPOUT, 0.5, True),
        (DECAY, 0.0, False),
        (DECAY, 10.0, True),
        (AUGMENTATION, 0.1, False),  # off is below
        (AUGMENTATION, 0.3, True),
        (AUGMENTATION, 0.0, False),
        ("training.schedule", "linear", False),
        ("training.clip_norm", None, False),
    ],
)
def test_an_edge_is_where_only_the_space_ends(key, value, is_edge):
    assert bool(Space.from_entries({key: ENTRIES[key]}).edges({key: value})) == is_edge


def test_an_edge_says_where_the_space_ends():
    edges = Space.from_entries({DECAY: ENTRIES[DECAY]}).edges({DECAY: 10.0})

    assert edges == [Edge(key=DECAY, value=10.0, low=0.0, high=10.0)]


# ---- the default space and everything off ----------------------------------------------------------------------------


def test_the_default_space_is_around_the_rate_and_holds_decay_that_acts():
    """Σlr = 580 · 1.5e-4 / 2 = 0.0435: λ = 0.01 shrinks by 0.04 % (too little), 100 by 99 % (too much)."""
    base = config("training: {learning_rate: 1.5e-4}")

    space = default_space(base, task="text-classification", steps=580)

    assert space.describe() == [
        "regularization.dropout: 0 to 0.5 in steps of 0.05",
        "training.learning_rate: 3e-05 to 0.00075, log",
        "regularization.weight_decay: 0, 0.1, 1, 10",
        "regularization.smoothing: 0 to 0.3 in steps of 0.05",
    ]
    assert not space.is_conditional


def test_regression_has_no_smoothing_to_search():
    assert SMOOTHING not in default_space(config(), task="regression").keys


def test_a_rate_at_which_no_decay_acts_has_none_to_search():
    assert DECAY not in default_space(config("training: {learning_rate: 1e-9}"), task="regression").keys


def test_the_default_space_passes_the_checks_of_a_written_one():
    for text in ("", "regularization: {dropout: {hidden: 0.2}}", "regularization: {dropout: keep}"):
        base = config(text)
        space = default_space(base, task="text-classification")

        assert read_space(space.to_entries(), base) == (space, {})
        assert space.params_of({key: value_at(base, key) for key in space.keys})


def test_everything_off_switches_off_what_is_on_and_leaves_patience():
    text = """\
model: {name: minilm, finetune: lora, lora: {dropout: 0.1}}
regularization: {dropout: {hidden: 0.2, attention: 0.1}, drop_path: 0.1, augmentation: 0.2, patience: 2}
"""
    off = everything_off(config(text))

    assert off == dict.fromkeys(
        [
            *(DECAY, SMOOTHING, f"{DROPOUT}.hidden", f"{DROPOUT}.attention"),
            *(AUGMENTATION, "regularization.drop_path", "model.lora.dropout"),
        ],
        0.0,
    )
    assert with_changes(config(text), off).regularization.patience == 2


def test_a_config_without_techniques_has_nothing_to_switch_off():
    assert everything_off(config("regularization: {dropout: 0, weight_decay: 0, smoothing: 0}")) == {}


# ---- wrong entries ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "entry", "expected"),
    [
        ("regularization.droput", [0, 1], "unknown key, did you mean dropout?"),
        ("lr", [0, 1], "unknown key, did you mean training.learning_rate?"),
        ("training.epochs.most", [1, 2], "training.epochs is a single value without keys of its own"),
        ("training", {"epochs": [1, 2]}, "is a section; search its keys, such as training.epochs"),
        (DROPOUT, 0.3, "must be a list such as [0.0, 0.1], or {low: 0.0, high: 0.5}, got 0.3"),
        (DROPOUT, [], "an empty list leaves nothing to choose from"),
        (DROPOUT, [0.1], "one choice, 0.1, leaves nothing to search; set it in the base config"),
        (DROPOUT, [0.1, 0.1], "0.1 is listed twice"),
        (DROPOUT, [0, 0.1, 0.0], "0.0 is listed twice"),
        ("training.clip_norm", [None, 1, None], "null is listed twice"),
        (DROPOUT, ["keep", 0.1], "mixes numbers and texts; a list has choices of one kind, and null where the key "
         "takes it"),
        (DROPOUT, [{"hidden": 0.1}, 0.1], "a choice is a single value, got a list or a section"),
        (DROPOUT, [0.1, 1.2], "must be below 1, got 1.2"),
        (DROPOUT, [None, 0.1], "must be a number in [0, 1), keep or a section with the keys hidden, classifier, "
         "attention and embedding, got null"),
        ("training.epochs", [1, 2.5], "must be a whole number, got 2.5"),
        ("training.epochs", [1, True], "must be a whole number, got true"),
        ("training.schedule", ["linear", "step"], 'must be linear, cosine or constant, got "step"'),
        ("training.schedule", {"low": 0, "high": 1}, "is no number, a range has no meaning; write a list of choices, "
         "such as [linear, cosine, constant]"),
        (DROPOUT, {"low": 0.3, "high": 0.3}, "low must be below high, got low 0.3 and high 0.3"),
        (DROPOUT, {"low": 0, "high": 0.3, "log": True}, "log needs a low above 0, got 0; a logarithm has no 0 "
         "(off: true adds it as a choice)"),
        (DROPOUT, {"low": 0.0, "high": 1.2}, "high: must be below 1, got 1.2"),
        (DROPOUT, {"low": -1, "high": 0.2}, "low: must be at least 0, got -1"),
        (DROPOUT, {"low": "a", "high": 0.2}, 'low: must be a number, got "a"'),
        (DROPOUT, {"low": 0.1}, "a range needs low and high, high is missing"),
        (DROPOUT, {"low": 0, "hihg": 0.2}, 'unknown key "hihg", did you mean high?'),
        (DROPOUT, {"low": 0, "high": 0.2, "q": 1}, 'unknown key "q", a range has low, high, log, step and off'),
        (DROPOUT, {"low": 0, "high": 0.2, "step": 0}, "step must be above 0, got 0"),
        (DROPOUT, {"low": 0, "high": 0.2, "step": 0.3}, "step must be at most high − low = 0.2, got 0.3"),
        (DROPOUT, {"low": 0, "high": 0.5, "step": 0.2}, "steps of 0.2 from 0 do not meet high 0.5, the last before it "
         "is 0.4"),
        (RATE, {"low": 1e-5, "high": 1e-3, "log": True, "step": 1e-5}, "log and step cannot stand together: a log "
         "scale has no equal steps; write a list of choices"),
        (RATE, {"low": 1e-5, "high": 1e-3, "log": "yes"}, 'log: must be true or false, got "yes"'),
        (RATE, {"low": 1e-5, "high": 1e-3, "off": True}, "off: 0 does not switch this key off; write a list of "
         "choices"),
        (DROPOUT, {"low": 0, "high": 0.3, "off": True}, "off needs a low above 0, got 0: 0 is off already"),
        ("training.batch_size", {"low": 8, "high": 16.5}, "high: must be a whole number, got 16.5"),
        ("training.batch_size", {"low": 8, "high": 16, "step": 0.5}, "step: must be a whole number, got 0.5"),
        (RATE, [1e-4, 200], "times regularization.weight_decay must be below 1, got λ·lr = 0.01 × 200 = 2: every step "
         "would flip the sign of the weights"),
        ("regularization.patience", [1, 2], "is not searched: the report reads off each trial's curve what less "
         "patience would have cost and saved. Set it in the base config"),
        ("training.seed", [1, 2], "is no setting to choose: the best seed is luck. For several seeds, set sweep.seeds"),
        ("data.validation", [0.1, 0.2], "is the same for all trials: only on the same rows can they be compared"),
        ("data.split_seed", [1, 2], "is the same for all trials: only on the same rows can they be compared"),
        ("task", ["regression", "pairs"], "is what the data ask for, the same for all trials"),
        ("output", ["a", "b"], "names a folder; the sweep gives every trial its own"),
        (f"{DROPOUT}.hidden", [0.1, 0.2], "regularization.dropout is 0.1 in the base config, not a section; search "
         "regularization.dropout, or write it there as a section"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_one_line(key, entry, expected):
    assert problem(key, entry) == expected


def test_a_section_of_the_base_is_searched_by_its_keys():
    text = "regularization: {dropout: {hidden: 0.1, attention: 0.1}}"

    assert problem(DROPOUT, [0, 0.1], text) == (
        "is a section in the base config; search regularization.dropout.hidden or regularization.dropout.attention"
    )
    assert read_space({f"{DROPOUT}.hidden": [0, 0.1]}, config(text))[0]


def test_epochs_are_searched_only_where_the_rate_depends_on_them():
    constant = config("training: {schedule: constant, warmup: 0}")

    assert read_space({"training.epochs": [5, 10]}, config())[0]
    assert read_space({"training.epochs": [5, 10], "training.schedule": ["linear", "constant"]}, constant)[0]
    assert read_space({"training.epochs": [5, 10]}, constant)[1]["training.epochs"].startswith(
        "is not searched with schedule constant and no warmup"
    )


def test_a_model_can_be_searched_by_name():
    assert read_space({"model": ["minilm", "tiny"]}, config())[0]


def test_all_wrong_entries_are_found_at_once():
    _, problems = read_space({DROPOUT: [], RATE: [1], DECAY: [0, 1]}, config())

    assert list(problems) == [DROPOUT, RATE]
