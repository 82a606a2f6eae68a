"""Scoring looks and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from regtune.config.schema import Config
from regtune.evaluation.results import score
from regtune.training.setup import Setup, prepare


@pytest.fixture
def setup(make_config: Callable[..., Config]) -> Setup:
    return prepare(make_config("regularization.dropout=0.5"))


def test_rows_come_back_in_their_own_order(setup: Setup) -> None:
    """Inside, they are sorted by length and padded in batches."""
    together = setup.scorer(setup.train)
    alone = [setup.scorer(setup.train.take([i])) for i in range(len(setup.train))]

    assert np.allclose(np.stack(together.answers), np.stack([one.answers[0] for one in alone]), atol=1e-6)
    assert np.allclose(together.losses, [one.losses[0] for one in alone], atol=1e-6)


def test_the_random_state_is_untouched(setup: Setup) -> None:
    before = torch.get_rng_state()
    setup.scorer(setup.train)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_as_before(setup: Setup, training: bool) -> None:
    setup.loaded.model.train(training)
    setup.scorer(setup.validation)

    assert setup.loaded.model.training is training


def test_the_mode_is_as_before_even_when_given_up(setup: Setup) -> None:
    def give_up() -> None:
        raise KeyboardInterrupt

    setup.loaded.model.train()
    with pytest.raises(KeyboardInterrupt):
        setup.scorer(setup.validation, poll=give_up)

    assert setup.loaded.model.training


def test_dropout_is_off(setup: Setup) -> None:
    setup.loaded.model.train()

    assert np.array_equal(setup.scorer(setup.train).losses, setup.scorer(setup.train).losses)


def test_a_module_left_in_train_mode_is_an_error_and_not_a_silent_score(setup: Setup) -> None:
    """A model whose eval() forgets a part would be measured with dropout on."""
    stubborn = torch.nn.Dropout(0.5)
    stubborn.train = lambda mode=True: stubborn  # type: ignore[method-assign,assignment]
    setup.loaded.model.add_module("stubborn", stubborn)

    with pytest.raises(AssertionError, match="dropout must be off"):
        setup.scorer(setup.validation)


def test_loss_and_probabilities_agree(setup: Setup) -> None:
    """Clean loss is −log of the probability of the hard label."""
    results = score(setup.scorer, setup.validation)
    picked = results.probabilities[range(len(results.labels)), results.labels]

    assert results.losses == pytest.approx(-torch.tensor(picked).log().numpy(), abs=1e-5)


def test_a_summary_holds_every_metric_with_its_interval(setup: Setup) -> None:
    summary = score(setup.scorer, setup.validation).summary(seed=0)

    assert list(summary["metrics"]) == ["accuracy", "macro_f1", "nll", "ece"]
    assert all(m["low"] <= m["value"] <= m["high"] for m in summary["metrics"].values())
