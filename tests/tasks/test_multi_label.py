"""The threshold of multi-label: chosen on validation rows only, kept with the run, used by evaluate and predict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regtune import api
from regtune.data.dataset import load_splits
from regtune.evaluation.metrics.multi_label import tune_threshold
from regtune.evaluation.restore import restore
from regtune.run import Run
from regtune.tasks import TASKS

Finished = Callable[[str], tuple[Run, Path]]


def test_it_is_the_best_on_the_validation_rows(finished: Finished) -> None:
    run, _ = finished("multi-label")
    restored = restore(run)
    splits = load_splits(restored.config.data, rules=restored.task, seed=0)
    scored = restored.scorer(restored.encode_labelled(splits.validation))
    present = [[name in example.target for name in restored.label_names] for example in splits.validation]

    assert run.facts["threshold"] == tune_threshold(np.stack(scored.answers), np.array(present))


def test_it_is_the_same_whatever_the_test_rows_say(finished: Finished, tmp_path: Path) -> None:
    """Rows labelled the other way round have their own best threshold, which evaluate must not look for."""
    run, path = finished("multi-label")
    names = {"bird", "fruit", "tool"}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    turned = tmp_path / "turned.jsonl"
    turned.write_text("".join(json.dumps({**row, "labels": sorted(names - set(row["labels"]))}) + "\n" for row in rows))
    api.predict(run.path, str(path), str(tmp_path / "out.jsonl"))
    predicted = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]

    found = api.evaluate(run.path, data=str(turned))["metrics"]["exact_match"]["value"]

    right = [set(row["prediction"]) == names - set(row["labels"]) for row in predicted]
    assert found == pytest.approx(np.mean(right))


def test_predict_names_every_label_at_or_above_it() -> None:
    row = TASKS["multi-label"].answer_row(np.array([0.2, 0.3, 0.9]), ("a", "b", "c"), threshold=0.3)

    assert row == {"prediction": ["b", "c"], "prob_a": 0.2, "prob_b": 0.3, "prob_c": 0.9}
