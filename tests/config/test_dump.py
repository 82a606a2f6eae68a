"""What dump_config writes reads back to an equal Config."""

import json

import pytest
import yaml

from regtune.config import Config, dump_config, parse_config, schema_json
from regtune.config.schema import DataSettings, RegularizationSettings, TrainingSettings


def with_label(label):
    return Config(data=DataSettings(train="a.csv", label=label))


@pytest.mark.parametrize(
    "config",
    [
        Config(data=DataSettings(train="demo:support")),
        Config(
            model="tiny",
            data=DataSettings(train="a b: c #d.csv", validation="val.csv", test=0.25, separator="\t"),
            regularization=RegularizationSettings(dropout="keep", patience=None, weight_decay=0.0),
            training=TrainingSettings(learning_rate=1e-30, clip_norm=None, report_to=["wandb", "tensorboard"]),
        ),
        parse_config("data: {train: a}\nregularization: {dropout: {hidden: 0.2, attention: 1e-7}}", name="a.yaml"),
        parse_config(
            "data: {train: a}\ntraining: {learning_rate: 1e+30}\nregularization: {weight_decay: 0}", name="a.yaml"
        ),
        Config(data=DataSettings(train="x " * 300)),
    ],
)
def test_a_config_reads_back_equal(config):
    assert parse_config(dump_config(config), name="a.yaml") == config


@pytest.mark.parametrize(
    "text",
    [
        *("no", "010", "1:30", "1_000", "1e-5", "2E5", "null", "~", "true", ".inf", "2024-01-31", "9" * 30),
        *("a: b", "# a", " a ", "- a", "[a", "{", "*a", "&a", "!a", "<<", "|", "'", '"', "a\nb", "a\tb"),
        *("é", "😀", "\x1b[31m", "\u2028", "\ufeff"),
    ],
)
def test_a_text_that_looks_like_something_else_reads_back_as_itself(text):
    config = with_label(text)

    assert parse_config(dump_config(config), name="a.yaml").data.label == text


@pytest.mark.parametrize("text", ["no", "010", "1:30", "1_000", "2024-01-31"])
def test_a_yaml_1_1_reader_reads_the_same_text(text):
    assert yaml.safe_load(dump_config(with_label(text)))["data"]["label"] == text


def test_a_small_number_is_a_number_for_a_yaml_1_1_reader_too():
    dumped = dump_config(with_label(None))

    assert yaml.safe_load(dumped)["training"]["learning_rate"] == 5e-5


def test_keys_are_written_in_schema_order():
    dumped = yaml.safe_load(dump_config(with_label(None)))

    assert list(dumped) == list(Config.model_fields)
    assert list(dumped["training"]) == list(TrainingSettings.model_fields)


def test_the_schema_describes_every_key():
    schema = json.loads(schema_json())
    sections = [schema, *schema["$defs"].values()]

    assert all("description" in key or "$ref" in key for section in sections for key in section["properties"].values())


def test_the_schema_refuses_unknown_keys():
    assert json.loads(schema_json())["additionalProperties"] is False
