"""Settings that cannot stand together are refused before any data is read."""

import pytest

from regtune.config import parse_config
from regtune.errors import ConfigError


def problems(text):
    with pytest.raises(ConfigError) as caught:
        parse_config("data: {train: a}\n" + text, name="a.yaml")
    return list(caught.value.problems)


def test_decay_that_flips_signs_is_refused():
    """0.5 × 4 = 2: w ← w − 2·w = −w."""
    found = problems("training: {learning_rate: 0.5}\nregularization: {weight_decay: 4}")

    assert found == [
        "a.yaml:3: regularization.weight_decay: times training.learning_rate must be below 1, got λ·lr = 4 × 0.5 = 2: "
        "every step would flip the sign of the weights"
    ]


def test_the_line_is_of_the_key_that_the_file_sets():
    assert problems("training: {learning_rate: 200}") == [
        "a.yaml:2: training.learning_rate: times regularization.weight_decay must be below 1, "
        "got λ·lr = 0.01 × 200 = 2: every step would flip the sign of the weights"
    ]


def test_decay_just_below_one_is_allowed():
    assert parse_config(
        "data: {train: a}\ntraining: {learning_rate: 0.5}\nregularization: {weight_decay: 1.9}", name="a"
    )


def test_tiny_has_no_pretrained_weights_to_decay_towards():
    found = problems("model: tiny\nregularization:\n  weight_decay_target: pretrained")

    assert found == [
        "a.yaml:4: regularization.weight_decay_target: must be zero with model tiny, got pretrained: "
        "tiny is built from scratch and has no pretrained weights"
    ]


def test_a_tracker_listed_twice_is_refused_at_its_line():
    found = problems("training:\n  report_to:\n  - wandb\n  - tensorboard\n  - wandb")

    assert found == ['a.yaml:6: training.report_to.2: "wandb" is listed twice']


def test_patience_longer_than_the_run_is_allowed():
    """The effect panel says that it cannot fire."""
    config = parse_config("data: {train: a}\ntraining: {epochs: 2}\nregularization: {patience: 5}", name="a.yaml")

    assert config.regularization.patience == 5
