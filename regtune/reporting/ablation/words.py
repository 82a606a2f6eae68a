"""An ablation in words: a sentence per technique, and what the figures cannot tell.

A difference is given with its 95 % interval only where the interval excludes 0; the others are "not distinguishable".
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from regtune.config.wording import choices
from regtune.reporting.number_text import percent
from regtune.search.ablation.result import AblationResult, Comparison, Contribution, Stopping
from regtune.search.judging.result import Difference

CHANCE = 0.05  # share of 95 % intervals that exclude 0 where there is no difference
FEW = 3  # repetitions, below which the spread between them says next to nothing
MOST_PLACES = 3  # decimals: a thousandth of a nat or of a score is nothing to act on


def measure_name(measure: str, result: AblationResult) -> str:
    """As a table calls it: the loss by what it is."""
    if measure != "loss":
        return measure
    return "NLL" if result.loss_unit.startswith("nats") else result.loss_unit


def ablation_sentences(result: AblationResult) -> list[str]:
    """One per technique, in the order of the table."""
    return [contribution_sentence(contribution, result) for contribution in result.contributions]


def contribution_sentence(contribution: Contribution, result: AblationResult) -> str:
    """ "smoothing: −0.031 NLL (95 % CI −0.050 to −0.010), macro_f1 and ece not distinguishable; alone …"."""
    parts = [comparison_text(contribution.in_recipe, result)]
    if contribution.alone is not None:
        parts.append(f"alone {comparison_text(contribution.alone, result)}")
    if contribution.in_recipe.stopping is not None:
        parts.append(stopping_text(contribution.in_recipe.stopping, result))
    return f"{contribution.technique}: {'; '.join(parts)}"


def comparison_text(comparison: Comparison, result: AblationResult) -> str:
    """What the technique changed, by measure; that nothing can be said, and why, where nothing was compared."""
    if not comparison.differences:
        arms = f"“{comparison.candidate}” and “{comparison.reference}”"
        return f"not measured (no {result.repeated_by} that both {arms} finished)"
    differences = list(comparison.differences.values())
    same = [one for one in differences if is_same(one)]
    unclear = [one for one in differences if one.outcome == "not distinguishable" and one not in same]
    parts = [_told(one, result) for one in differences if one.outcome != "not distinguishable"]
    parts += [f"{_names(unclear, result)} not distinguishable"] if unclear else []
    parts += [f"{_names(same, result)} the same"] if same else []
    made = differences[0].repetitions
    few = f" ({made} of {repeated(result.repetitions, result)})" if made < result.repetitions else ""
    return ", ".join(parts) + few


def stopping_text(stopping: Stopping, result: AblationResult) -> str:
    """What patience saved, and what keeping the best weights, with or without it, is worth."""
    number, change = stopping.repetitions, stopping.last_minus_best
    places = decimals(change.high - change.low)
    low, high = signed_text(change.low, places), signed_text(change.high, places)
    spread = f" ({low} to {high} over {repeated(number, result)})" if number > 1 else ""
    return (
        f"{stopping.epochs:.3g} epochs instead of {stopping.epochs_without:.3g}, {saved_text(stopping)}, "
        f"the same weights kept in {stopping.same_best} of {repeated(number, result)}; with the weights of the last "
        f"epoch in place of the best: {signed_text(change.mean, places)} {measure_name('loss', result)}{spread}"
    )


def saved_text(stopping: Stopping) -> str:
    """ "61 % less training": of the steps, which unlike seconds have no luck."""
    return f"{percent(round(stopping.saved, 2))} less training"


def is_same(difference: Difference) -> bool:
    """Not merely close: the answers were the same, as where patience never stopped before the best evaluation."""
    return difference.value == difference.low == difference.high == 0


def difference_text(difference: Difference) -> tuple[str, str, str]:
    """(value, low, high) with as many decimals as make two digits of the interval's half-width.

    More where an interval that excludes 0 would otherwise seem to touch it.
    """
    places = decimals((difference.high - difference.low) / 2)
    nearest = min(abs(difference.low), abs(difference.high))
    if difference.outcome != "not distinguishable":
        places = max(places, math.ceil(-math.log10(nearest)))  # 0.004: three decimals
    value, low, high = (signed_text(number, places) for number in (difference.value, difference.low, difference.high))
    return value, low, high


def decimals(width: float) -> int:
    """How many decimals show a width with two digits: 1 for 1.6, 3 for 0.016; at most 3, also for 0 and infinity."""
    if not math.isfinite(width) or width <= 0:
        return MOST_PLACES
    return min(MOST_PLACES, max(0, 1 - math.floor(math.log10(width))))


def signed_text(number: float, places: int) -> str:
    """ "−0.031", "+0.004"; a number that is rounded to 0 has no sign."""
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else ("+∞" if number > 0 else "−∞")
    text = f"{abs(number):.{places}f}"
    return text if float(text) == 0 else ("−" if number < 0 else "+") + text


def ablation_caveats(result: AblationResult) -> list[str]:
    """What the figures cannot tell, a sentence each, with the numbers of this ablation."""
    techniques = [contribution.technique for contribution in result.contributions]
    caveats = [_chance(result)]
    if len(techniques) > 1:
        caveats.append("Contributions do not add up: techniques overlap. Each was taken out alone and put in alone.")
    caveats += [
        f"The values are the config's ({_settings(result)}), not tuned: `regtune sweep` tries others.",
        "Each run is scored at its best evaluation, on the rows that chose it: flattering, for longer runs the most.",
        *_unseen(result),
    ]
    if result.repetitions < FEW:
        caveats.append(f"{repeated(result.repetitions, result)}: the luck of training is hardly in the intervals.")
    if result.repeated_by == "seed":
        caveats.append("All seeds were scored on the same validation rows: other rows could say something else.")
    if "patience" in techniques:
        caveats.append(
            "Patience off means all epochs, and the best weights come back even so: on the monitored value of these "
            "rows that is never worse, so what patience gives is fewer steps. What keeping the best weights gives is "
            "read off the runs without patience, as the spread over repetitions, without an interval over rows."
        )
    return caveats


def _chance(result: AblationResult) -> str:
    """How many differences chance alone would show, and which ones it would hardly."""
    number = result.comparisons
    expected = f"about {number * CHANCE:.2g} of them would look like a difference"
    standing = [
        f"{one.technique} {measure_name(measure, result)}{where}"
        for one in result.contributions
        for side, where in ((one.in_recipe, ""), (one.alone, " alone"))
        if side is not None
        for measure in side.stands
    ]
    stands = choices(standing, last="and") if standing else "nothing"
    return (
        f"{number} comparisons at 95 %: if no technique did anything, {expected}. "
        f"Where all must hold together (Bonferroni), what stands is {stands}."
    )


def _unseen(result: AblationResult) -> list[str]:
    """The median half-width of the loss's intervals; no sentence where no interval has a width."""
    sides = [side for one in result.contributions for side in (one.in_recipe, one.alone) if side is not None]
    loss = [side.differences["loss"] for side in sides if side.differences]
    widths = [(one.high - one.low) / 2 for one in loss if not is_same(one)]
    if not widths:
        return []
    scored = f"{result.rows} validation rows, {repeated(result.repetitions, result)}"
    size = f"{statistics.median(widths):.2g} {measure_name('loss', result)}"
    return [f"{scored}: a contribution below about {size} cannot be told from none."]


def _settings(result: AblationResult) -> str:
    return ", ".join(f"{one.technique} {setting_text(one.setting)}" for one in result.contributions)


def setting_text(setting: object) -> str:
    """As in a config: 0.1, keep, {hidden: 0.1, attention: 0.1}; parts that are off are left out."""
    if isinstance(setting, dict):
        return "{" + ", ".join(f"{key}: {setting_text(value)}" for key, value in setting.items() if value) + "}"
    return f"{setting:g}" if isinstance(setting, float) else str(setting)


def _told(difference: Difference, result: AblationResult) -> str:
    value, low, high = difference_text(difference)
    harm = ": worse" if difference.outcome == "worse" else ""
    return f"{value} {measure_name(difference.measure, result)} (95 % CI {low} to {high}{harm})"


def _names(differences: Sequence[Difference], result: AblationResult) -> str:
    return choices([measure_name(one.measure, result) for one in differences], last="and")


def repeated(number: int, result: AblationResult) -> str:
    """ "5 folds", "1 seed"."""
    return f"{number} {result.repeated_by}{'' if number == 1 else 's'}"
