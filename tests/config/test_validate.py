"""Each wrong setting becomes one line: place, key, what is allowed, what we got."""

import pytest

from regtune.config import parse_config
from regtune.config.schema import DropoutSettings
from regtune.errors import ConfigError

TOP_LEVEL_KEYS = "task, model, data, regularization, training, output"
WITH_DATA = "data: {train: a}\n"
DROPOUT_KINDS = "a number in [0, 1), keep or a section with the keys hidden, classifier, attention and embedding"


def problems(text, *overrides):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="a.yaml", overrides=overrides)
    return list(caught.value.problems)


def explanation(path, value):
    """What is said of the key, which stands on line 4."""
    section, _, key = path.rpartition(".")
    head = f"{section}:\n  " if section else "# no section\n"
    (line,) = problems(f"data:\n  train: a.csv\n{head}{key}: {value}\n")
    place, shown_path, text = line.split(": ", maxsplit=2)
    assert (place, shown_path) == ("a.yaml:4", path)
    return text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("regularization.weigth_decay", "unknown key, did you mean weight_decay?"),
        ("regularization.weight-decay", "unknown key, did you mean weight_decay?"),
        ("regularization.Dropout", "unknown key, did you mean dropout?"),
        ("regularization.hidden", "unknown key under regularization; it belongs to regularization.dropout"),
        ("regularization.early_stopping", "unknown key, did you mean regularization.patience?"),
        ("training.smoothing", "unknown key under training; it belongs to regularization"),
        ("training.model", "unknown key under training; it belongs to the top level"),
        ("training.weigth_decay", "unknown key, did you mean regularization.weight_decay?"),
        ("training.lr", "unknown key, did you mean training.learning_rate?"),
        ("epochs", "unknown key at the top level; it belongs to training"),
        ("xyzzy", f"unknown key; known at the top level: {TOP_LEVEL_KEYS}"),
    ],
)
def test_an_unknown_key_is_told_where_to_go(path, expected):
    assert explanation(path, 0) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("training.epochs", "training.epochs: unknown key; in a file, write epochs below training"),
        ("x" * 70, "x" * 59 + "…: unknown key of 70 characters"),
        ('"\\e[31m\\n"', f"\\x1b[31m\\n: unknown key; known at the top level: {TOP_LEVEL_KEYS}"),
    ],
)
def test_a_strange_key_is_shown_harmlessly(key, expected):
    assert problems(f"data: {{train: a.csv}}\n{key}: 3") == [f"a.yaml:2: {expected}"]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("regularization.weight_decay", "-0.1", "must be at least 0, got -0.1"),
        ("regularization.weight_decay", "101", "must be at most 100, got 101"),
        ("regularization.smoothing", "1.0", "must be below 1, got 1.0"),
        ("regularization.patience", "0", "must be at least 1, got 0"),
        ("regularization.dropout", "1.3", "must be below 1, got 1.3"),
        ("regularization.dropout", "-1", "must be at least 0, got -1"),
        ("training.learning_rate", "0", "must be above 0, got 0"),
        ("training.learning_rate", "1e31", "must be at most 1e+30, got 1e+31"),
        ("training.seed", "2147483648", "must be at most 2147483647, got 2147483648"),
        ("training.epochs", "0", "must be at least 1, got 0"),
    ],
)
def test_a_number_out_of_range_is_told_its_limit(path, value, expected):
    assert explanation(path, value) == expected


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("training.epochs", "three", 'must be a whole number, got "three"'),
        ("training.epochs", "2.5", "must be a whole number, got 2.5"),
        ("training.epochs", "true", "must be a whole number, got true"),
        ("training.epochs", "null", "must be a whole number, got null"),
        ("training.epochs", "[1, 2]", "must be a whole number, got a list of 2"),
        ("training.epochs", "{a: 1}", "must be a whole number, got a section with keys"),
        ("training.epochs", "{}", "must be a whole number, got an empty section"),
        ("training.epochs", '"3"', 'must be a whole number, got "3"; take the quotes off'),
        ("training.learning_rate", "true", "must be a number, got true"),
        ("training.learning_rate", "5e-5x", 'must be a number, got "5e-5x"'),
        ("training.report_to", "wandb", 'must be a list, such as [tensorboard], got "wandb"'),
        ("training.schedule", "lin", 'must be linear, cosine or constant, got "lin"'),
        ("training.clip_norm", "none", 'must be a number, got "none"'),
        ("model", "3", "must be text or a section with the keys name, finetune and lora, got 3"),
        ("output", '""', 'must be at least one character, got ""'),
        ("training", "3", "must be a section with keys such as epochs, learning_rate or batch_size, got 3"),
        ("training", "", "must be a section with keys such as epochs, learning_rate or batch_size, got null"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_the_right_one(path, value, expected):
    assert explanation(path, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("kep", f'dropout: must be {DROPOUT_KINDS}, got "kep"'),
        ("true", f"dropout: must be {DROPOUT_KINDS}, got true"),
        ("[0.1]", f"dropout: must be {DROPOUT_KINDS}, got a list of 1"),
        ("null", f"dropout: must be {DROPOUT_KINDS}, got null"),
        ("{hiden: 0.1}", "dropout.hiden: unknown key, did you mean hidden?"),
        ("{hidden: 1}", "dropout.hidden: must be below 1, got 1"),
        ("{attention: x}", 'dropout.attention: must be a number, got "x"'),
    ],
)
def test_the_kinds_that_dropout_takes_make_one_line(value, expected):
    found = problems(f"data: {{train: a.csv}}\nregularization: {{dropout: {value}}}")

    assert found == [f"a.yaml:2: regularization.{expected}"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("validation: 1", "data.validation: must be below 1, got 1"),
        ("validation: 0", "data.validation: must be above 0, got 0"),
        ("validation: null", "data.validation: must be a number in (0, 1) or text, got null"),
        ("test: 20", "data.test: must be below 1, got 20"),
        ("test: [a]", "data.test: must be a number in (0, 1), text or null, got a list of 1"),
        ("test: true", "data.test: must be a number in (0, 1), text or null, got true"),
        ("separator: ab", 'data.separator: must be one character, got "ab"'),
        ("label: 3", "data.label: must be text, got 3; put it in quotes"),
        ("max_length: 7", "data.max_length: must be at least 8, got 7"),
        ("on_empty_text: skip", 'data.on_empty_text: must be error or drop, got "skip"'),
    ],
)
def test_a_wrong_data_setting_is_one_line(setting, expected):
    assert problems(f"data:\n  train: a.csv\n  {setting}\n") == [f"a.yaml:3: {expected}"]


def test_a_list_item_has_its_own_line():
    found = problems("data: {train: a.csv}\ntraining:\n  report_to:\n  - wandb\n  - 1\n")

    assert found == ["a.yaml:5: training.report_to.1: must be text, got 1; put it in quotes"]


def test_a_missing_section_names_its_required_key():
    assert problems("model: tiny") == ["a.yaml: data.train: missing"]


def test_a_missing_key_has_the_line_of_its_section():
    assert problems("model: tiny\ndata:\n  test: 0.2\n") == ["a.yaml:2: data.train: missing"]


def test_a_long_value_is_shortened_to_sixty_characters():
    (line,) = problems("data: {train: a}\ntraining:\n  epochs: " + "x" * 500)

    assert line == f'a.yaml:3: training.epochs: must be a whole number, got "{"x" * 57}…"'


def test_control_characters_of_a_value_are_escaped():
    (line,) = problems('data: {train: a}\ntraining: {epochs: "\\e[2J\\r\\n\\u2028"}')

    assert line.endswith('got "\\x1b[2J\\r\\n\\u2028"')


def test_problems_come_in_file_order_then_the_command_line():
    text = "training:\n  seed: x\n  epochs: x\ndata:\n  test: 3\n  train: a\n"

    assert [line.split(": ")[:2] for line in problems(text, "model=3", "lr=3")] == [
        ["a.yaml:2", "training.seed"],
        ["a.yaml:3", "training.epochs"],
        ["a.yaml:5", "data.test"],
        ["command line", "model"],
        ["command line", "lr"],
    ]


def test_twenty_problems_are_listed_and_the_rest_counted():
    found = problems("data: {train: a}\n" + "".join(f"key_{number}: 1\n" for number in range(25)), "lr=3")

    assert len(found) == 21
    assert found[-1] == "and 6 more"


def test_twenty_problems_exactly_need_no_count():
    assert len(problems("data: {train: a}\n" + "".join(f"key_{number}: 1\n" for number in range(20)))) == 20


def test_the_hint_says_where_all_keys_are_listed():
    with pytest.raises(ConfigError) as caught:
        parse_config("lr: 3", name="a.yaml")

    assert caught.value.hint == "regtune train --schema lists every key with its meaning"


def test_whole_numbers_are_accepted_where_numbers_are_wanted():
    config = parse_config("data: {train: a}\nregularization: {weight_decay: 1, dropout: 0}", name="a.yaml")

    assert (config.regularization.weight_decay, config.regularization.dropout) == (1.0, 0.0)


def test_a_dropout_section_is_read_by_kind():
    config = parse_config("data: {train: a}\nregularization: {dropout: {hidden: 0.2, classifier: 0}}", name="a.yaml")

    assert config.regularization.dropout == DropoutSettings(hidden=0.2, classifier=0.0)


def test_label_names_that_yaml_1_1_takes_for_booleans_stay_text():
    assert parse_config("data: {train: a, label: no}", name="a.yaml").data.label == "no"


def test_a_scientific_learning_rate_is_a_number():
    config = parse_config("data: {train: a}\ntraining: {learning_rate: 2e-5}", name="a.yaml")

    assert config.training.learning_rate == 2e-5


def test_decay_that_flips_signs_is_refused():
    """0.5 × 4 = 2: w ← w − 2·w = −w."""
    found = problems(WITH_DATA + "training: {learning_rate: 0.5}\nregularization: {weight_decay: 4}")

    assert found == [
        "a.yaml:3: regularization.weight_decay: times training.learning_rate must be below 1, got λ·lr = 4 × 0.5 = 2: "
        "every step would flip the sign of the weights"
    ]


def test_the_line_is_of_the_key_that_the_file_sets():
    assert problems(WITH_DATA + "training: {learning_rate: 200}") == [
        "a.yaml:2: training.learning_rate: times regularization.weight_decay must be below 1, "
        "got λ·lr = 0.01 × 200 = 2: every step would flip the sign of the weights"
    ]


def test_decay_just_below_one_is_allowed():
    assert parse_config(
        "data: {train: a}\ntraining: {learning_rate: 0.5}\nregularization: {weight_decay: 1.9}", name="a"
    )


def test_tiny_has_no_pretrained_weights_to_decay_towards():
    found = problems(WITH_DATA + "model: tiny\nregularization:\n  weight_decay_target: pretrained")

    assert found == [
        "a.yaml:4: regularization.weight_decay_target: must be zero with model tiny, got pretrained: "
        "tiny is built from scratch and has no pretrained weights"
    ]


def test_a_tracker_listed_twice_is_refused_at_its_line():
    found = problems(WITH_DATA + "training:\n  report_to:\n  - wandb\n  - tensorboard\n  - wandb")

    assert found == ['a.yaml:6: training.report_to.2: "wandb" is listed twice']


def test_patience_longer_than_the_run_is_allowed():
    """The effect panel says that it cannot fire."""
    config = parse_config("data: {train: a}\ntraining: {epochs: 2}\nregularization: {patience: 5}", name="a.yaml")

    assert config.regularization.patience == 5
