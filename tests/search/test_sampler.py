"""Which sampler and pruner a sweep gets."""

import optuna
import pytest

from regtune.search.sampler import pruner_for, sampler_for, sampler_name
from regtune.search.settings import SweepSettings
from regtune.search.space.space import Space

PLAIN = Space.from_entries({"training.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}})
CONDITIONAL = Space.from_entries({"regularization.dropout": {"low": 0.1, "high": 0.3, "off": True}})


@pytest.mark.parametrize(
    ("settings", "space", "name"),
    [
        ({}, PLAIN, "gp"),
        ({"trials": 200}, PLAIN, "gp"),
        ({"trials": 201}, PLAIN, "tpe"),
        ({}, CONDITIONAL, "tpe"),
        ({"pruner": "median"}, PLAIN, "tpe"),
        ({"sampler": "random"}, PLAIN, "random"),
        ({"sampler": "gp", "trials": 300}, PLAIN, "gp"),
    ],
)
def test_auto_is_a_gaussian_process_where_it_can_be(settings, space, name):
    assert sampler_name(SweepSettings(**settings), space) == name


@pytest.mark.parametrize(("sampler", "kind"), [("gp", "GPSampler"), ("tpe", "TPESampler"), ("random", "RandomSampler")])
def test_a_sampler_is_optunas(sampler, kind):
    made = sampler_for(SweepSettings(sampler=sampler), PLAIN, seed=0)

    assert type(made._make(0)).__name__ == kind


def rates(*, seed, workers):
    """The first six learning rates, drawn in turn by as many workers."""
    study = optuna.create_study()
    samplers = [sampler_for(SweepSettings(), PLAIN, seed=seed) for _ in range(workers)]
    found = []
    for number in range(6):
        study.sampler = samplers[number % workers]
        found.append(PLAIN.suggest(study.ask())["training.learning_rate"])
    return found


def test_what_is_drawn_depends_on_the_trial_not_on_the_worker():
    assert rates(seed=0, workers=1) == rates(seed=0, workers=3)


def test_no_two_workers_draw_the_same_points():
    assert len(set(rates(seed=0, workers=2))) == 6


def test_another_seed_draws_other_points():
    assert not set(rates(seed=0, workers=1)) & set(rates(seed=1, workers=1))


@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1), ("maximize", -1)])
@pytest.mark.parametrize(("pruner", "is_pruned"), [("none", False), ("median", True), ("halving", True)])
def test_a_pruner_stops_a_bad_trial_after_a_third_in_either_direction(pruner, is_pruned, direction, sign):
    """Ten good runs; the bad one gets worse from its first evaluation on. A third of 9 evaluations: 3."""
    study = optuna.create_study(direction=direction, pruner=pruner_for(SweepSettings(pruner=pruner), evaluations=9))
    for _ in range(10):
        trial = study.ask()
        for step in range(1, 10):
            trial.report(sign * (1 - step / 100), step)
            trial.should_prune()  # SuccessiveHalving records a trial's rung when it is asked
        study.tell(trial, sign * 0.9)
    bad, decisions = study.ask(), []
    for step in range(1, 10):
        bad.report(sign * (2 + step), step)
        decisions.append(bad.should_prune())

    assert any(decisions) == is_pruned
    assert not any(decisions[:2])
