import io
import json
from dataclasses import replace

import pytest

from regtune.reporting.console import make_console
from regtune.reporting.effect_panel import effect_pairs, print_effect
from regtune.training.effect import DropoutSite, Effect


def value_of(effect, label):
    return dict(effect_pairs(effect))[label]


def site(kind, probability, origin="module"):
    return DropoutSite(path="x", kind=kind, probability=probability, origin=origin)


def test_dropout_counts_sites_by_kind(effect):
    assert value_of(effect, "dropout") == (
        "0.1: 6 after attention, 6 after feed-forward, 1 before classifier, 1 embedding · attention 0"
    )


def test_dropout_says_how_it_was_set_and_what_is_coupled(effect):
    assert [value for label, value in effect_pairs(effect) if label == ""] == [
        "set through the model's field hidden_dropout_prob (13), the model's field classifier_dropout (1)",
        "embedding dropout follows hidden: one field governs both",
    ]


def test_probabilities_are_listed_apart(effect):
    sites = (site("feed_forward", 0.1), site("classifier", 0.3), site("attention_probabilities", 0.1))

    assert value_of(replace(effect, dropout_sites=sites), "dropout") == (
        "0.1: 1 after feed-forward, 1 attention · 0.3: 1 before classifier"
    )


@pytest.mark.parametrize("sites", [(), (site("feed_forward", 0.0),)])
def test_dropout_off(effect, sites):
    assert value_of(replace(effect, dropout_sites=sites), "dropout") == "off: nothing is dropped"


def test_weak_decay_is_called_practically_off(effect):
    assert value_of(effect, "weight decay") == (
        "0.01 towards zero: 38 tensors, 22.6 M parameters decayed; 64 tensors, 42 k (biases, norms) not; "
        "shrinks weights by 0.005 % over the run: practically off"
    )


def test_decay_that_acts_is_not(effect):
    assert value_of(replace(effect, total_shrink=0.02), "weight decay").endswith("shrinks weights by 2 % over the run")


def test_decay_towards_the_pretrained_weights(effect):
    text = value_of(replace(effect, weight_decay_target="pretrained"), "weight decay")

    assert text.startswith("0.01 towards the pretrained weights: ")
    assert "takes back 0.005 % of a weight's change" in text


def test_soft_targets_of_eight_classes(effect):
    assert value_of(replace(effect, classes=8), "smoothing") == "0.1: true class 0.9, 7 others 0.01429 each"


def test_soft_targets_of_two_classes(effect):
    assert value_of(replace(effect, classes=2), "smoothing") == "0.1: true class 0.9, other 0.1"


@pytest.mark.parametrize(
    ("patience", "epoch", "text"),
    [
        (3, 4.0, "3: can stop at epoch 4 at the earliest"),
        (3, None, "3: can never fire: the run ends first"),
        (None, None, "off: trains to the last epoch"),
    ],
)
def test_patience(effect, patience, epoch, text):
    assert value_of(replace(effect, patience=patience, earliest_stop_epoch=epoch), "patience") == text


@pytest.mark.parametrize(
    ("changes", "label", "text"),
    [
        ({"weight_decay": 0.0}, "weight decay", "off"),
        ({"smoothing": 0.0}, "smoothing", "off: the true class is 1"),
    ],
)
def test_a_technique_at_zero_is_off(effect, changes, label, text):
    assert value_of(replace(effect, **changes), label) == text


def test_an_effect_survives_json(effect):
    assert Effect.from_dict(json.loads(json.dumps(effect.to_dict()))) == effect


def test_a_pipe_gets_plain_lines(effect):
    print_effect(make_console(stream := io.StringIO(), environment={}), effect)

    assert stream.getvalue().splitlines()[:4] == [
        "",
        "effect",
        "  trains        all 22.64 M parameters",
        "  dropout       0.1: 6 after attention, 6 after feed-forward, 1 before classifier, 1 embedding · attention 0",
    ]
