"""One of Optuna's samplers, made anew for every trial: what is drawn depends on the trial's number and on what is
known so far, not on which worker draws it. So workers of several commands and machines never draw the same points, and
a sweep with one worker is the same each time. Imported only in a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

SEED_STRIDE = 1_000_003  # a prime: seeds of neighbouring trials do not meet those of neighbouring seeds
LARGEST_SEED = 2**32 - 1


class SeededByTrial(BaseSampler):
    """make: seed → sampler. seed: of the sweep."""

    def __init__(self, make: Callable[[int], BaseSampler], *, seed: int) -> None:
        self._make, self._seed = make, seed
        self._sampler = make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._sampler = self._make((self._seed + SEED_STRIDE * (trial.number + 1)) % LARGEST_SEED)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._sampler.after_trial(study, trial, state, values)
