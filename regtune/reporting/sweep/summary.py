"""The end of a sweep on standard output: the verdict first, then the final table, then what else was learnt."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from regtune.reporting.columns import (
    Cells,
    change_cells,
    change_columns,
    column,
    first_fitting,
    header_lines,
    row_line,
    widened,
)
from regtune.reporting.console import shown, standard_output
from regtune.reporting.pairs import Pair, print_pairs
from regtune.reporting.sweep.board_table import ANY_WIDTH
from regtune.reporting.sweep.text import (
    difference_text,
    done_text,
    edge_text,
    failure_text,
    importance_text,
    optimism_text,
    outcome_text,
    patience_text,
    recommended_text,
    standing_mark,
    standing_text,
    train_command,
)
from regtune.reporting.table import Column
from regtune.search.board import OWN
from regtune.search.judging.sweep_result import SweepResult
from regtune.wording import cut

FAILURES_SHOWN = 5  # the report has all of them


def print_sweep_summary(result: SweepResult, *, console: Console | None = None) -> None:
    """Print verdict, table and advice after a blank line. console: left out, standard output."""
    console = console if console is not None else standard_output()
    console.print()
    print_pairs(console, [("verdict", result.verdict.sentence), *(("", text) for text in result.verdict.caveats)])
    console.print()
    width = console.width if console.is_terminal else ANY_WIDTH
    for line in standing_lines(result, width=width):
        line.plain = shown(console, line.plain)
        console.print(line, soft_wrap=not console.is_terminal)
    console.print()
    print_pairs(console, finding_pairs(result))


# ---- the final table -------------------------------------------------------------------------------------------------


def standing_rows(result: SweepResult) -> list[dict[str, str]]:
    """Cells of the final table, best first; the report shows the same."""
    return [
        {
            "trial": f"{standing_mark(standing, is_first=place == 0)} {standing.candidate}",
            **change_cells(standing.changes, result.own_values),
            "mean": standing_text(standing),
            "runs": str(len(standing.values)),
            "difference": difference_text(standing.against_own),
            "outcome": outcome_text(standing),
        }
        for place, standing in enumerate(result.standings)
    ]


def standing_lines(result: SweepResult, *, width: int) -> list[Text]:
    """Header, a caption and a line per candidate, in `width` characters where that is possible."""
    rows = standing_rows(result)
    columns = _columns(result, rows, width=width)
    lines = [Text(line, style="bold") for line in header_lines(columns)]
    lines.append(Text(cut(standing_caption(result), length=width), style="dim"))
    for place, (standing, cells) in enumerate(zip(result.standings, rows, strict=True)):
        style = "bold green" if place == 0 else "bold" if standing.candidate == OWN else ""
        lines.append(Text(row_line(columns, cells), style=style))
    return lines


def standing_caption(result: SweepResult) -> str:
    """What the numbers of the final table are."""
    unit = f", {result.unit}" if result.objective == "loss" else ""
    return f"{result.objective}{unit}: mean ± std over runs, 95 % intervals; = tied with the first; more runs first"


def _columns(result: SweepResult, rows: Sequence[Cells], *, width: int) -> list[Column]:
    one_line, two_lines, together, squeezed = change_columns(result.own_values, rows)
    attempts: list[tuple[list[Column], set[str]]] = [
        (one_line, set()),
        (two_lines, set()),
        (two_lines, {"outcome"}),
        (together, {"outcome"}),
        (together, {"outcome", "runs"}),
        (squeezed, {"outcome", "runs"}),
        ([], {"outcome", "runs"}),
    ]
    layouts = [
        [c for c in _all_columns(result.objective, rows, changes) if c.name not in dropped]
        for changes, dropped in attempts
    ]
    return widened(first_fitting(layouts, width=width), rows, names=("changes",), width=width)


def _all_columns(objective: str, rows: Sequence[Cells], changes: Sequence[Column]) -> list[Column]:
    return [
        column("trial", "  trial", rows, is_text=True),
        *changes,
        column("mean", f"  {objective} ±", rows, is_text=True),
        column("runs", "runs", rows),
        column("difference", "against yours", rows, is_text=True),
        column("outcome", "", rows, is_text=True),
    ]


# ---- what else was learnt --------------------------------------------------------------------------------------------


def finding_pairs(result: SweepResult) -> list[Pair]:
    """Label and value of each line under the table; the next command last."""
    return [
        *_optimism(result),
        *_labelled("patience", _patience_lines(result)),
        *_labelled("epochs", [note for note in result.notes if "at their last evaluation" in note]),
        *_labelled("importance", [importance_text(result)]),
        *_labelled("edge", [edge_text(edge) for edge in result.edges]),
        *_labelled("failed", _failure_lines(result)),
        ("done", done_text(result)),
        ("sweep", f"{result.folder} (report.html, best.yaml, result.json)"),
        ("best", recommended_text(result)),
        ("next", train_command(result)),
    ]


def _optimism(result: SweepResult) -> list[Pair]:
    optimism = result.verdict.optimism
    return [] if optimism is None else [("optimism", optimism_text(optimism, trials=result.search_trials))]


def _patience_lines(result: SweepResult) -> list[str]:
    return [patience_text(cost) for cost in result.patience_costs]


def _failure_lines(result: SweepResult) -> list[str]:
    lines = [failure_text(failure, result) for failure in result.failures[:FAILURES_SHOWN]]
    rest = len(result.failures) - FAILURES_SHOWN
    return lines + ([f"and {rest} more, all in the report"] if rest > 0 else [])


def _labelled(label: str, lines: list[str]) -> list[Pair]:
    """The label stands at the first line only; empty lines are left out."""
    return [(label if number == 0 else "", line) for number, line in enumerate(line for line in lines if line)]
