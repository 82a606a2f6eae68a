"""An evaluation as the cells of one table row; the terminal, a pipe and the report all show these."""

from __future__ import annotations

from dataclasses import dataclass

from regtune.history import Evaluation, History
from regtune.reporting.number_text import decimal, signed


@dataclass(frozen=True, kw_only=True)
class Row:
    """cells: text by column name (see regtune.reporting.columns). At most one of the three facts is true."""

    cells: dict[str, str]
    is_best: bool
    stops: bool
    is_overfitting: bool


def rows_of(history: History, *, headline: str, patience: int | None) -> list[Row]:
    """One row per evaluation. headline: the metric shown. patience: evaluations, None when early stopping is off."""
    rows: list[Row] = []
    best: Evaluation | None = None
    for evaluation in history:
        rows.append(row_of(evaluation, best=best, headline=headline, patience=patience))
        best = evaluation if evaluation.is_best else best
    return rows


def row_of(evaluation: Evaluation, *, best: Evaluation | None, headline: str, patience: int | None) -> Row:
    """best: the best evaluation before this one, None at the first."""
    overfits = not evaluation.stops and best is not None and is_overfitting(evaluation, best=best)
    cells = {
        "epoch": f"{evaluation.epoch:.2f}",
        "step": str(evaluation.step),
        "train": decimal(evaluation.train_loss),
        "val": decimal(evaluation.validation_loss),
        "gap": signed(evaluation.gap),
        "metric": f"{evaluation.metrics[headline]:.4f}",
        "lr": f"{evaluation.learning_rate:.1e}",
        "patience": "-" if patience is None else f"{evaluation.patience_used}/{patience}",
        "note": _note(evaluation, overfits),
    }
    return Row(cells=cells, is_best=evaluation.is_best, stops=evaluation.stops, is_overfitting=overfits)


def is_overfitting(evaluation: Evaluation, *, best: Evaluation) -> bool:
    """Against the best evaluation before it, validation loss has risen while train loss has fallen."""
    return (
        not evaluation.is_best
        and evaluation.validation_loss > best.validation_loss
        and evaluation.train_loss < best.train_loss
    )


def _note(evaluation: Evaluation, overfits: bool) -> str:
    if evaluation.is_best:
        return "★ best"
    if evaluation.stops:
        return "■ stop"
    return "⚠ overfitting" if overfits else ""
