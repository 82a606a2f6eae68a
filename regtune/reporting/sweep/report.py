"""report.html of a sweep: verdict, final table, figures and every trial, in one file that needs and loads nothing.

As in a run's report, values are escaped by jinja2 and the page's content security policy allows no script.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from regtune.config.document import Plain
from regtune.reporting.number_text import decimal, duration
from regtune.reporting.page import render_page
from regtune.reporting.sweep.board_table import epochs_text, job_status
from regtune.reporting.sweep.parameter_figures import curve_figure, parameter_figure, points_of
from regtune.reporting.sweep.space_text import short_names, value_text, values_of
from regtune.reporting.sweep.summary import standing_caption
from regtune.reporting.sweep.text import (
    difference_text,
    done_text,
    edge_text,
    failure_text,
    importances,
    optimism_text,
    outcome_text,
    recommended_text,
    standing_mark,
    standing_text,
    train_command,
)
from regtune.run import write_text
from regtune.search.board import OWN
from regtune.search.judging.result import Standing
from regtune.search.judging.sweep_result import SweepResult
from regtune.search.study.record import Record

WIDTHS = (9.0, 4.2)  # inches of the wide and the narrow figure; the page shows the one that fits


def write_sweep_report(
    path: Path, result: SweepResult, records: Sequence[Record], *, base_yaml: str, environment: Mapping[str, Any]
) -> None:
    """Write the report to `path`; an older one is replaced.

    records: all jobs, in job order. environment: as in a run's environment.json (python, platform, device, packages).
    """
    from markupsafe import Markup

    points = points_of(result, records)
    page = render_page(
        "sweep_report.html",
        styles=["report.css", "sweep_report.css"],
        parameter_figures=[Markup(parameter_figure(result, points, width_inches=w)) for w in WIDTHS] if points else [],
        curve_figures=[Markup(curve_figure(result, records, width_inches=w)) for w in WIDTHS] if points else [],
        config=Markup.escape(base_yaml),  # escaped here: it alone keeps its line breaks
        environment=environment,
        **sweep_values(result, records),
    )
    write_text(path, page)


def sweep_values(result: SweepResult, records: Sequence[Record]) -> dict[str, Any]:
    """What the template shows, as plain values."""
    optimism = result.verdict.optimism
    return {
        "result": result,
        "metric": _metric(result),
        "names": short_names(result.own_values),
        "objective_name": "Validation loss" if result.objective == "loss" else f"Validation {result.objective}",
        "done": done_text(result),
        "recommended": recommended_text(result),
        "command": train_command(result),
        "caption": standing_caption(result),
        "optimism": None if optimism is None else optimism_text(optimism, trials=result.search_trials),
        "standings": [_standing_row(result, s, is_first=n == 0) for n, s in enumerate(result.standings)],
        "edges": [edge_text(edge) for edge in result.edges],
        "importances": importances(result),
        "trials": [_trial_row(result, record) for record in ranked(result, records)],
        "failures": [failure_text(failure, result) for failure in result.failures],
        "space": [
            (entry["key"], space_text(entry), value_text(result.own_values[entry["key"]])) for entry in result.space
        ],
    }


def ranked(result: SweepResult, records: Sequence[Record]) -> list[Record]:
    """All jobs, those of one repetition together, best first; jobs without a value last."""
    order = {repetition: number for number, repetition in enumerate(dict.fromkeys(r.job.repetition for r in records))}

    def place(record: Record) -> tuple[int, bool, float]:
        value = record.value(result.objective) if record.status == "done" else None
        if value is None or not math.isfinite(value):
            return order[record.job.repetition], True, 0.0
        return order[record.job.repetition], False, -value if result.higher_is_better else value

    return sorted(records, key=place)


def space_text(entry: Mapping[str, Any]) -> str:
    """ "0, 0.1, 0.3", "0.001 to 0.3, log scale, or off"."""
    if "choices" in entry:
        return ", ".join(value_text(choice) for choice in entry["choices"])
    parts = [f"{value_text(entry['low'])} to {value_text(entry['high'])}"]
    parts += ["log scale"] if entry["log"] else []
    parts += [f"in steps of {value_text(entry['step'])}"] if entry["step"] is not None else []
    parts += ["or off"] if entry["off"] else []
    return ", ".join(parts)


def _metric(result: SweepResult) -> str:
    return result.headline if result.objective == "loss" else result.objective


def _values(changes: Mapping[str, Plain], result: SweepResult) -> list[str]:
    values = values_of(changes, result.own_values)
    return [value_text(values[key]) for key in result.own_values]


def _standing_row(result: SweepResult, standing: Standing, *, is_first: bool) -> dict[str, Any]:
    metric = standing.metrics.get(result.headline, {})
    return {
        "mark": standing_mark(standing, is_first=is_first).strip(),
        "trial": standing.candidate,
        "changes": _values(standing.changes, result),
        "mean": standing_text(standing).strip(),
        "metric": f"{fmean(metric.values()):.4f}" if metric else "",
        "runs": len(standing.values),
        "difference": difference_text(standing.against_own),
        "outcome": outcome_text(standing),
    }


def _trial_row(result: SweepResult, record: Record) -> dict[str, Any]:
    best = record.best
    kinds = {result.verdict.best: "restored", OWN: "own"}
    return {
        "kind": "failed" if record.status == "failed" else kinds.get(record.job.candidate, ""),
        "trial": record.job.candidate,
        "fold": record.job.repetition.fold,
        "seed": record.job.repetition.seed,
        "changes": [""] * len(result.own_values) if record.changes is None else _values(record.changes, result),
        "loss": "" if best is None else decimal(best.validation_loss).strip(),
        "metric": "" if best is None else f"{best.metrics[_metric(result)]:.4f}",
        "epochs": epochs_text(record),
        "time": "" if record.seconds is None else duration(record.seconds),
        "status": job_status(record),
        "host": record.host or "",
    }
