"""The split has a seed of its own: the same rows whichever seed trains."""

from __future__ import annotations

from collections.abc import Callable

from regtune.config.schema import Config
from regtune.training.setup import prepare


def test_training_seed_changes_the_model_and_not_the_rows_when_the_split_has_its_own_seed(
    make_config: Callable[..., Config],
) -> None:
    one, other = (prepare(make_config("data.split_seed=4", f"training.seed={seed}")) for seed in (0, 1))

    assert one.splits.facts["split"] == other.splits.facts["split"]
    weights = [next(iter(setup.loaded.model.parameters())) for setup in (one, other)]
    assert not weights[0].equal(weights[1])


def test_a_split_without_its_own_seed_is_that_of_the_training_seed(make_config: Callable[..., Config]) -> None:
    own, shared = prepare(make_config("data.split_seed=4")), prepare(make_config("training.seed=4"))

    assert own.splits.facts["split"] == shared.splits.facts["split"]
