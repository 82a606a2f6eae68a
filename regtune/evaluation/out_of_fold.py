"""Every row's answer by the model that did not train on it, and what all of them together say.

The answers are those of the runs' best models, asked again: one forward pass per row. A run's best epoch was chosen on
the rows it answers here, so the figures are as optimistic as any validation figure; only test rows are free of that.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from regtune.data.dataset import load_splits
from regtune.data.example import Example
from regtune.data.export import TableWriter
from regtune.errors import DataError
from regtune.evaluation.answers import Answered
from regtune.evaluation.restore import restore
from regtune.evaluation.results import PLAIN_THRESHOLD, Results, score
from regtune.run import Run
from regtune.tasks import TASKS

ROWS_NAMED = 10  # rows without an answer that a note names


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """A finished run and the part of the rows it held out."""

    run: Run
    fold: int  # 1-based
    seed: int
    round: int  # runs of one round hold out every row at most once; several rounds: several seeds


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one run answered. cells: its predictions.csv, row by row; examples: the same rows."""

    held_out: HeldOut
    examples: tuple[Example, ...]
    others: tuple[Example, ...]  # rows it trained on
    cells: list[dict[str, str]]
    answered: Answered


def write_out_of_fold(path: Path, folds: Sequence[HeldOut]) -> dict[str, Any]:
    """Write the answers of all folds in the order of the data, and return what they say together.

    Returns {"rows", "loss", "metrics": {name: {"value", "low", "high"}}, "notes"}, intervals at 95 % over rows, as in
    run.json. Of several rounds each is pooled by itself, and values and bounds are their means: answers of several
    models to one row are no further rows. Raises DataError when the data are no longer those of the runs.
    """
    parts = [answer_again(held_out) for held_out in folds]
    write_rows(path, parts)
    task = TASKS[folds[0].run.facts["task"]]
    rounds = [
        Results(pool([part.answered for part in parts if part.held_out.round == one]), task).summary(seed=0)
        for one in sorted({held_out.round for held_out in folds})
    ]
    return {**average(rounds), "notes": unanswered_notes(parts)}


def answer_again(held_out: HeldOut) -> Part:
    restored = restore(held_out.run)
    config = restored.config
    splits = load_splits(config.data, rules=restored.task, seed=config.split_seed)
    if splits.facts["split"] != held_out.run.read_json("data.json")["split"]:
        raise DataError(f"{held_out.run.path}: the data changed since the run", hint="put the files back")
    results = score(
        restored.scorer,
        restored.encode_labelled(splits.validation),
        threshold=restored.threshold,
        baseline=restored.baseline,
    )
    with open(held_out.run.predictions_path, encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    return Part(
        held_out=held_out,
        examples=splits.validation,
        others=splits.train,
        cells=cells,
        answered=cut_answers(results.answered) if restored.task.tunes_threshold else results.answered,
    )


def cut_answers(answered: Answered) -> Answered:
    """Label probabilities as 0 and 1 by the model's own threshold, so that models with other thresholds can be pooled.

    The metrics of multi-label ask only on which side of the threshold a probability lies.
    """
    cut = [(np.asarray(answer) >= answered.threshold).astype(np.float64) for answer in answered.answers]
    return Answered(answers=cut, labels=answered.labels, losses=answered.losses, units=answered.units)


def pool(parts: Sequence[Answered]) -> Answered:
    """All rows of several models as those of one. The baseline is the mean of the models', weighted by rows."""
    sizes = [len(part.labels) for part in parts]
    baselines = [part.baseline for part in parts if part.baseline is not None]
    return Answered(
        answers=list(chain.from_iterable(part.answers for part in parts)),
        labels=list(chain.from_iterable(part.labels for part in parts)),
        losses=np.concatenate([part.losses for part in parts]),
        units=np.concatenate([part.units for part in parts]),
        threshold=PLAIN_THRESHOLD,
        baseline=float(np.average(baselines, weights=sizes)) if baselines else None,
    )


def average(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean of summaries, number by number; None where one of them has none."""
    metrics = {
        name: {end: _mean([one["metrics"][name][end] for one in rounds]) for end in ("value", "low", "high")}
        for name in rounds[0]["metrics"]
    }
    rows = min(one["rows"] for one in rounds)
    return {"rows": rows, "loss": _mean([one["loss"] for one in rounds]), "metrics": metrics}


def write_rows(path: Path, parts: Sequence[Part]) -> None:
    """fold and seed, then the columns of predictions.csv. Replaces an older file."""
    path.unlink(missing_ok=True)
    rows = [
        (example, {"fold": part.held_out.fold, "seed": part.held_out.seed, **cells})
        for part in parts
        for example, cells in zip(part.examples, part.cells, strict=True)
    ]
    with TableWriter(path, list(rows[0][1])) as writer:
        for _, values in sorted(rows, key=lambda row: (row[0].source, row[0].line)):
            writer.write(values)


def unanswered_notes(parts: Sequence[Part]) -> list[str]:
    """A note naming the rows of the data, test rows aside, that no finished run held out."""
    every = {_place(example) for example in (*parts[0].examples, *parts[0].others)}
    missing = sorted(every - {_place(example) for part in parts for example in part.examples})
    if not missing:
        return []
    named = ", ".join(f"{source}:{line}" for source, line in missing[:ROWS_NAMED])
    more = f" and {len(missing) - ROWS_NAMED} more" if len(missing) > ROWS_NAMED else ""
    return [f"{len(missing)} of {len(every)} rows were held out by no finished run: {named}{more}"]


def _place(example: Example) -> tuple[str, int]:
    return example.source, example.line


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
