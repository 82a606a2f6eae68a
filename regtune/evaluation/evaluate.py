"""`regtune evaluate`: the restored model on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regtune.data.columns import Columns
from regtune.data.dataset import load_splits
from regtune.data.encode import encode_examples
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
    rows = encode_examples(
        examples, restored.label_names, tokenizer=restored.tokenizer, max_length=restored.config.data.max_length
    )
    results = score(restored.scorer, restored.task, rows)
    return {"split": name, **results.summary(seed=restored.config.training.seed)}


def _rows(restored: RestoredRun, data: str | None) -> tuple[str, Sequence[Example]]:
    """(what to call them, the rows): of the file, else of the run's test split, else of its validation split."""
    config, run = restored.config, restored.run
    if data is not None:
        columns = run.read_json("data.json")["columns"]
        chosen = Columns(columns["text"], columns["label"])
        return data, load_labelled(data, config.data, columns=chosen, known=restored.label_names)
    splits = load_splits(config.data, seed=config.training.seed)
    if splits.facts["split"] != run.read_json("data.json")["split"]:
        raise DataError(
            f"{run.path}: the data changed since the run, its test rows can no longer be told from its training rows",
            hint="name a labelled file with --data",
        )
    return ("test", splits.test) if splits.test else ("validation", splits.validation)
