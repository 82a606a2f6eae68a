"""`regtune evaluate`: the restored model on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regtune.data.columns import Columns
from regtune.data.dataset import load_splits
from regtune.data.example import Example
from regtune.data.labelled import load_labelled
from regtune.errors import DataError
from regtune.evaluation.restore import RestoredRun, restore
from regtune.evaluation.results import score
from regtune.run import Run


def evaluate_run(run: Run, *, data: str | None) -> dict[str, Any]:
    """See `regtune.api.evaluate`. Raises DataError when the rows hold a label the model does not know."""
    restored = restore(run)
    name, examples = _rows(restored, data)
    rows = restored.encode_labelled(examples)
    results = score(restored.scorer, rows, threshold=restored.threshold, baseline=restored.baseline)
    return {"split": name, **results.summary(seed=restored.config.training.seed)}


def _rows(restored: RestoredRun, data: str | None) -> tuple[str, Sequence[Example]]:
    """(what to call them, the rows): of the file, else of the run's test split, else of its validation split."""
    config, run, task = restored.config, restored.run, restored.task
    facts = run.read_json("data.json")
    if data is not None:
        columns = Columns.from_facts({**facts["columns"], "group": None})
        return data, load_labelled(data, config.data, rules=task, columns=columns, known=restored.label_names)
    splits = load_splits(config.data, rules=task, seed=config.split_seed)
    if splits.facts["split"] != facts["split"]:
        raise DataError(
            f"{run.path}: the data changed since the run, its test rows can no longer be told from its training rows",
            hint="name a labelled file with --data",
        )
    return ("test", splits.test) if splits.test else ("validation", splits.validation)
