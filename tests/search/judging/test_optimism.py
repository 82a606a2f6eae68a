import pytest

from regtune.search.judging.optimism import optimism_of_best
from regtune.search.judging.result import Standing


def standing(candidate, values):
    return Standing(
        candidate=candidate, changes={}, values=values, metrics={}, mean=0.0, std=None, against_own=None, is_tied=False
    )


def test_it_is_the_lead_on_the_searchs_fold_beyond_that_on_the_others():
    own = standing("own", {0: 1.0, 1: 1.1, 2: 0.9})
    best = standing("2", {0: 0.7, 1: 1.0, 2: 0.8})  # leads 0.3, then 0.1 and 0.1

    assert optimism_of_best([own, best], higher_is_better=False) == pytest.approx(0.2)


def test_a_metrics_lead_is_upwards():
    own, best = standing("own", {0: 0.7, 1: 0.7}), standing("2", {0: 0.9, 1: 0.8})

    assert optimism_of_best([own, best], higher_is_better=True) == pytest.approx(0.1)


def test_the_best_of_the_search_counts_not_the_first_of_the_table():
    own, first = standing("own", {0: 1.0, 1: 1.0}), standing("2", {0: 0.9, 1: 0.5})
    lucky = standing("3", {0: 0.6, 1: 1.0})

    assert optimism_of_best([first, own, lucky], higher_is_better=False) == pytest.approx(0.4)


@pytest.mark.parametrize(
    "standings",
    [
        [],
        [standing("own", {0: 0.5, 1: 0.5}), standing("2", {0: 0.6, 1: 0.6})],  # own is the best
        [standing("own", {0: 0.5}), standing("2", {0: 0.4, 1: 0.4})],  # own has no other fold
        [standing("2", {0: 0.4, 1: 0.4})],  # own failed
    ],
)
def test_without_a_best_and_own_on_another_fold_it_is_not_estimated(standings):
    assert optimism_of_best(standings, higher_is_better=False) is None
