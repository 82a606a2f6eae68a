import numpy as np
import pytest

from regtune.search.judging.importance import importances
from tests.search.made_records import folds, record

KEYS = ("training.learning_rate", "regularization.dropout", "regularization.weight_decay")
OWN = {"training.learning_rate": 1e-4, "regularization.dropout": 0.1, "regularization.weight_decay": 0.01}


def searched(count, *, values=None):
    """own and trials whose loss is the distance of log10(learning rate) from −3.5; the other keys do nothing."""
    generator = np.random.default_rng(0)
    records = [record("own", folds(2)[0], 0.5)]
    for number in range(1, count):
        power = generator.uniform(-5, -2)
        changes = {
            "training.learning_rate": 10**power,
            "regularization.dropout": float(generator.choice([0.0, 0.1, 0.3])),
            "regularization.weight_decay": float(generator.choice([0.0, 0.01, 0.1])),  # 0: switched off
        }
        loss = abs(power + 3.5) if values is None else values
        records.append(record(str(number), folds(2)[0], loss, changes={**changes}))
    return records


def shares(records, *, keys=KEYS):
    return importances(records, objective="loss", keys=keys, own_values=OWN)


def test_the_key_that_matters_comes_first_and_shares_sum_to_one():
    found = shares(searched(20))

    assert next(iter(found)) == "training.learning_rate"
    assert found["training.learning_rate"] > 0.7
    assert sum(found.values()) == pytest.approx(1.0)


def test_the_same_trials_give_the_same_shares():
    assert shares(searched(12)) == shares(searched(12))


@pytest.mark.parametrize("count", [1, 7])
def test_few_trials_tell_nothing(count):
    assert shares(searched(count)) == {}


def test_one_key_has_nothing_to_share_with():
    assert shares(searched(20), keys=KEYS[:1]) == {}


def test_equal_objectives_tell_nothing():
    assert shares(searched(20, values=0.5)) == {}


def test_confirming_jobs_and_failed_ones_do_not_count():
    records = searched(7)
    others = [record(str(number), folds(2)[0], 0.1, changes={}, status="failed") for number in range(7, 20)]
    confirmed = [record(str(number), folds(2)[1], 9.0, changes=records[1].changes) for number in range(7)]
    for one in confirmed:
        object.__setattr__(one.job, "stage", "confirm")

    assert shares([*records, *others, *confirmed]) == {}


def test_texts_and_switched_off_values_are_keys_like_others():
    records = searched(20)
    for number, one in enumerate(records[1:]):
        one.changes["model.finetune"] = ("full", None, True)[number % 3]

    found = importances(
        records, objective="loss", keys=[*KEYS, "model.finetune"], own_values={**OWN, "model.finetune": "full"}
    )

    assert found.keys() == {*KEYS, "model.finetune"}
