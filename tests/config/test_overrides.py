"""`section.key=value` on the command line acts as if the file said so, and its errors say where it came from."""

import pytest

from regtune.config import parse_config
from regtune.config.schema import DropoutSettings
from regtune.errors import ConfigError

BASE = "data:\n  train: a.csv\nregularization:\n  dropout: 0.1\n"


def load(*overrides):
    return parse_config(BASE, name="a.yaml", overrides=overrides)


def problem(*overrides):
    with pytest.raises(ConfigError) as caught:
        load(*overrides)
    (line,) = caught.value.problems
    return line


def test_a_key_of_the_file_is_replaced():
    assert load("regularization.dropout=0.3").regularization.dropout == 0.3


def test_a_key_that_the_file_lacks_is_added():
    assert load("training.learning_rate=1e-4").training.learning_rate == 1e-4


def test_null_switches_off():
    assert load("regularization.patience=null").regularization.patience is None


def test_a_list_is_written_in_brackets():
    assert load("training.report_to=[tensorboard, wandb]").training.report_to == ["tensorboard", "wandb"]


def test_a_section_is_written_in_braces():
    assert load("regularization.dropout={hidden: 0.2}").regularization.dropout == DropoutSettings(hidden=0.2)


def test_a_key_inside_an_absent_section_creates_it():
    config = parse_config("data: {train: a}", name="a.yaml", overrides=["regularization.dropout.hidden=0.2"])

    assert config.regularization.dropout == DropoutSettings(hidden=0.2)


@pytest.mark.parametrize("text", ["C:\\data: new\\a #1.csv", "a=b.csv", "*.csv", "no", "&a"])
def test_text_stays_as_typed(text):
    assert load(f"data.train={text}").data.train == text


def test_a_quoted_number_is_text():
    assert load('data.label="3"').data.label == "3"


def test_the_document_itself_stays_unchanged():
    load("regularization.dropout=0.3")

    assert load().regularization.dropout == 0.1


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.epochs=three", 'training.epochs: must be a whole number, got "three"'),
        ("training.epohs=3", "training.epohs: unknown key, did you mean epochs?"),
        ("traning.epochs=3", "traning.epochs: traning is an unknown key, did you mean training?"),
        ("epochs=3", "epochs: unknown key at the top level; it belongs to training"),
        ("lr=3", "lr: unknown key, did you mean training.learning_rate?"),
        ("training.epochs.x=3", "training.epochs.x: training.epochs is a single value without keys of its own"),
        ("--epochs", "--epochs: an override is section.key=value, this one has no ="),
        ("", ": an override is section.key=value, this one has no ="),
        ("=3", "=3: an override is section.key=value, this one has an empty key"),
        ("training..epochs=3", "training..epochs=3: an override is section.key=value, this one has an empty key"),
        ("training.epochs=", "training.epochs: no value after =, write training.epochs=null for none"),
        ("training.seed=.nan", "training.seed: .nan is not allowed, numbers must be finite"),
        ("training.report_to=[a", "training.report_to: is not valid YAML: did not find expected ',' or ']', while "
                                  "parsing a flow sequence"),
        ("data.train=[!!python/name:x y]", "data.train: the tag tag:yaml.org,2002:python/name:x is not allowed, write "
                                           "the plain value"),
        ("regularization.dropout.hidden=0.2", "regularization.dropout.hidden: regularization.dropout is 0.1 "
                                              "(a.yaml:4), not a section with keys"),
        ("regularization.dropout={hiden: 0.1}", "regularization.dropout.hiden: unknown key, did you mean hidden?"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_one_line(override, expected):
    assert problem(override) == f"command line: {expected}"


def test_setting_a_key_twice_is_refused():
    assert problem("training.epochs=3", "training.epochs=4") == "command line: training.epochs: set twice"


def test_all_wrong_overrides_are_reported_together_with_the_file():
    with pytest.raises(ConfigError) as caught:
        parse_config("data: {test: 0.2}", name="a.yaml", overrides=["epochs", "lr=3"])

    assert [line.split(": ")[0] for line in caught.value.problems] == ["a.yaml:1", "command line", "command line"]


def test_replacing_a_section_forgets_its_lines_in_the_file():
    assert problem("regularization={dropout: 2}") == "command line: regularization.dropout: must be below 1, got 2"


def test_another_model_is_trained_in_the_same_part():
    config = parse_config(
        "model: {name: tiny, finetune: head}\ndata: {train: a.csv}\n", name="a.yaml", overrides=["model=minilm"]
    )

    assert (config.model_settings.name, config.model_settings.finetune) == ("minilm", "head")


def test_a_part_is_chosen_of_a_model_that_is_only_named():
    config = parse_config("model: tiny\ndata: {train: a.csv}\n", name="a.yaml", overrides=["model.finetune=last-2"])

    assert (config.model_settings.name, config.model_settings.finetune) == ("tiny", "last-2")
