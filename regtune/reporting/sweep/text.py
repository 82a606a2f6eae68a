"""What a sweep found, in sentences: the summary on the terminal and the report say the same words."""

from __future__ import annotations

import shlex

from regtune.reporting.number_text import decimal, duration, signed
from regtune.reporting.sweep.space_text import candidate_name, changes_text, short_names, value_text
from regtune.search.judging.result import Difference, Edge, PatienceCost, Standing
from regtune.search.judging.sweep_result import Failure, SweepResult


def done_text(result: SweepResult) -> str:
    """ "37 runs, 20 trials in the search, 231 epochs in 14 min 03 s; 1 failed"."""
    failed = result.counts.get("failed", 0)
    text = f"{result.counts['done']} runs, {result.search_trials} trials in the search, "
    text += f"{result.trial_epochs:.4g} epochs in {duration(result.seconds)}"
    return text + (f"; {failed} failed" if failed else "")


def optimism_text(optimism: float, *, trials: int) -> str:
    """Why the best value of the search is not the value to expect. optimism: in the objective's unit."""
    if optimism <= 0:
        return f"the best of {trials} trials looks no better on its search fold than on the others"
    size = decimal(optimism).strip()
    return f"the best of {trials} trials looks better on its search fold than it is, by about {size}"


def standing_text(standing: Standing) -> str:
    """ "0.5120 ±0.022": mean and standard deviation between repetitions; without ± for one repetition."""
    return f"{decimal(standing.mean):>6}" + ("" if standing.std is None else f" ±{standing.std:.3f}")


def difference_text(difference: Difference | None) -> str:
    """ "−0.0280 [−0.0450, −0.0110]"; "" for the user's own config."""
    if difference is None:
        return ""
    value, low, high = (signed(x).strip() for x in (difference.value, difference.low, difference.high))
    return f"{value} [{low}, {high}]"


def standing_mark(standing: Standing, *, is_first: bool) -> str:
    """★: the first; =: not distinguishable from it."""
    return "★" if is_first else "=" if standing.is_tied else " "


def outcome_text(standing: Standing) -> str:
    """What the interval against the user's own config says; "" for that one itself."""
    return "" if standing.against_own is None else standing.against_own.outcome


def patience_text(cost: PatienceCost) -> str:
    """ "patience 2 would have saved 22 % of the evaluations and lost 0.0008"."""
    lost = "nothing" if cost.lost == 0 else decimal(cost.lost).strip()
    return f"patience {cost.patience} would have saved {100 * cost.saved:.0f} % of the evaluations and lost {lost}"


def importance_text(result: SweepResult) -> str:
    """ "learning_rate 61 % · dropout 25 %"; "" where it was not estimated."""
    return " · ".join(f"{name} {100 * share:.0f} %" for name, share in importances(result))


def importances(result: SweepResult) -> list[tuple[str, float]]:
    """(name, share), the most important first."""
    names = short_names(result.own_values)
    ranked = sorted(result.importances.items(), key=lambda item: -item[1])
    return [(names.get(key, key), share) for key, share in ranked]


def edge_text(edge: Edge) -> str:
    """Which value lies on which edge, and what to do."""
    ends = f"{value_text(edge.low)} to {value_text(edge.high)}"
    return f"the best {edge.key}, {value_text(edge.value)}, lies on the edge of the space ({ends}): widen it"


def failure_text(failure: Failure, result: SweepResult) -> str:
    """Which trial failed, why, and what it had been given."""
    tries = "" if failure.attempts == 1 else f" in {failure.attempts} tries"
    fold = "" if failure.folds == 1 else f", fold {failure.fold}"
    changes = changes_text(failure.changes, result.own_values)
    return f"{candidate_name(failure.candidate)}{fold}{tries}: {failure.error} ({changes})"


def train_command(result: SweepResult) -> str:
    """What to do next: train the recommended config on all rows it may use."""
    return f"regtune train {shlex.quote(result.best_path)}"


def recommended_text(result: SweepResult) -> str:
    """What best.yaml holds."""
    name = result.verdict.recommended
    if name == "own":
        return "best.yaml holds your own config: nothing was shown to be better"
    changes = next(standing.changes for standing in result.standings if standing.candidate == name)
    return f"best.yaml holds trial {name}: {changes_text(changes, result.own_values)}"
