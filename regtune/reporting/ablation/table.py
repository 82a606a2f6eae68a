"""An ablation as fixed-width text, its tables within 80 characters; the report shows the same cells as HTML.

Three tables: the arms with what each reached and took, what each technique contributes, and what patience did besides.
Then a sentence per technique, what failed, and what the figures cannot tell.
"""

from __future__ import annotations

from rich.console import Console

from regtune.config.wording import choices
from regtune.reporting.ablation.words import (
    ablation_caveats,
    ablation_sentences,
    decimals,
    difference_text,
    is_same,
    measure_name,
    repeated,
    saved_text,
    setting_text,
    signed_text,
)
from regtune.reporting.console import standard_output
from regtune.reporting.pairs import print_lines
from regtune.search.ablation.result import AblationResult, ArmResult, Comparison, Spread
from regtune.search.judging.result import Difference
from regtune.wording import cut

SIGNS = {"better": "★", "worse": "⚠", "not distinguishable": ""}
SETTING_SHOWN = 12  # characters of a setting that is a mapping; the caveats have all of it
LEGEND = "★ better, ⚠ worse, no sign: not distinguishable; 95 % intervals, paired"

Rows = list[list[str]]  # the header first


def print_ablation(result: AblationResult, *, name: str, console: Console | None = None) -> None:
    """Print the tables, the sentences and the caveats. name: of the config; console: left out, standard output."""
    print_lines(console if console is not None else standard_output(), ablation_lines(result, name=name))


def ablation_lines(result: AblationResult, *, name: str) -> list[str]:
    """The whole text."""
    lines = [heading(result, name=name), "", *table_lines(arm_rows(result), numbers=True)]
    lines += ["", *table_lines(contribution_rows(result)), LEGEND, direction_text(result)]
    if len(stopping := stopping_rows(result)) > 1:
        lines += ["", *table_lines(stopping)]
    lines += ["", *ablation_sentences(result)]
    if result.failures:
        lines += ["", "failed and left out:", *(f"- {failure}" for failure in result.failures)]
    lines += ["", "what this cannot tell:", *(f"- {caveat}" for caveat in ablation_caveats(result))]
    if result.off:
        lines += ["", f"without an arm, off in the config or never able to act: {', '.join(result.off)}"]
    return lines


def heading(result: AblationResult, *, name: str) -> str:
    """What was trained, and on how much it was scored."""
    runs = sum(arm.finished for arm in result.arms)
    planned = sum(arm.planned for arm in result.arms)
    made = f"{runs} runs" if runs == planned else f"{runs} of {planned} runs"
    return (
        f"ablation of {name}: {len(result.arms)} arms × {repeated(result.repetitions, result)}, {made}, "
        f"{result.rows} validation rows"
    )


def arm_rows(result: AblationResult) -> Rows:
    """Mean ± std over repetitions at the best evaluation, epochs trained and training time of each arm."""
    header = ["arm", *(measure_name(measure, result) for measure in result.measures), "epochs", "s/run"]
    return [header, *(_arm_row(arm, result) for arm in result.arms)]


def _arm_row(arm: ArmResult, result: AblationResult) -> list[str]:
    name = arm.name if arm.finished == arm.planned else f"{arm.name} ({arm.finished}/{arm.planned})"
    if arm.values is None or arm.epochs is None or arm.seconds is None:
        return [name, *("–" for _ in result.measures), "–", "–"]
    values = [_spread_text(arm.values[measure]) for measure in result.measures]
    return [name, *values, f"{arm.epochs.mean:.1f}", f"{arm.seconds.mean:.3g}"]


def _spread_text(spread: Spread) -> str:
    return f"{spread.mean:.3f}" + (f" ± {spread.std:.3f}" if spread.std is not None else "")


def contribution_rows(result: AblationResult) -> Rows:
    """A row per technique and measure: the difference in the recipe, and alone."""
    one_only = len(result.contributions) == 1
    rows: Rows = [["technique", "measure", "in the recipe", *([] if one_only else ["alone"])]]
    for contribution in result.contributions:
        labels = [contribution.technique, f"  {cut(setting_text(contribution.setting), length=SETTING_SHOWN)}", ""]
        sides = [side for side in (contribution.in_recipe, contribution.alone) if side is not None]
        for label, measure in zip(labels, result.measures, strict=False):  # two measures where there is no ece
            cells = [_difference_cell(side, measure) for side in sides]
            rows.append([label, measure_name(measure, result), *cells])
    return rows


def _difference_cell(comparison: Comparison, measure: str) -> str:
    if not comparison.differences:
        return "–"
    difference: Difference = comparison.differences[measure]
    if is_same(difference):
        return "the same"
    value, low, high = difference_text(difference)
    return f"{value} [{low}, {high}] {SIGNS[difference.outcome]}".rstrip()


def direction_text(result: AblationResult) -> str:
    """ "less is better: NLL and ece; more is better: macro_f1"."""
    named: dict[str, list[str]] = {"less": [], "more": []}
    for measure in result.measures:
        named["more" if result.higher_is_better[measure] else "less"].append(measure_name(measure, result))
    return "; ".join(f"{way} is better: {choices(names, last='and')}" for way, names in named.items() if names)


def stopping_rows(result: AblationResult) -> Rows:
    """What patience did besides; the header alone where it is off or nothing could be compared."""
    loss = measure_name("loss", result)
    rows: Rows = [["patience", "epochs", "saved", "same weights", f"last − best {loss}"]]
    for contribution in result.contributions:
        for where, side in (("in the recipe", contribution.in_recipe), ("alone", contribution.alone)):
            if side is None or side.stopping is None:
                continue
            stopping = side.stopping
            change = stopping.last_minus_best
            places = decimals(change.std or 0.0)
            spread = f" ± {change.std:.{places}f}" if change.std is not None else ""
            rows.append(
                [
                    where,
                    f"{stopping.epochs:.3g} of {stopping.epochs_without:.3g}",
                    saved_text(stopping),
                    f"{stopping.same_best} of {repeated(stopping.repetitions, result)}",
                    f"{signed_text(change.mean, places)}{spread}",
                ]
            )
    return rows


def table_lines(rows: Rows, *, numbers: bool = False) -> list[str]:
    """Columns two spaces apart, each as wide as its widest cell. numbers: all but the first are right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if numbers and column > 0 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
