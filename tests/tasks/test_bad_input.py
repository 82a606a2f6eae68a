"""Rows and settings that do not fit their task: one line that says what and where, and nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regtune import api
from regtune.config.schema import Config
from regtune.errors import ConfigError, DataError, RegtuneError
from regtune.evaluation.metrics import METRICS
from regtune.tasks import TASKS

Make = Callable[..., Config]


def refusal(config: Config, kind: type[RegtuneError]) -> RegtuneError:
    with pytest.raises(kind) as caught:
        api.train(config)
    assert not Path(config.output or "").exists(), "nothing is written"
    return caught.value


BAD_ROWS = {
    "label list in a single-label task": (
        "text-classification",
        "multi-label",
        {"labels": ["a", "b"]},
        r"rows\.jsonl:1: column `labels` holds a list, expected one label",
        "several labels a row are task: multi-label",
    ),
    "fewer tags than tokens": (
        "token-classification",
        "token-classification",
        {"tags": ["O"]},
        r"rows\.jsonl:5: 6 tokens and 1 tags, there must be one tag per token",
        "a token with a space in it, or a tag that is missing?",
    ),
    "tokens that are a text": (
        "token-classification",
        "token-classification",
        {"tokens": "red apple"},
        r"rows\.jsonl:5: column `tokens` holds a string, expected a list of strings",
        "use JSONL or Parquet with lists, or a CoNLL file",
    ),
    "missing image": (
        "image-classification",
        "image-classification",
        {"image": "images/absent.png"},
        r"rows\.csv:6: column `image`: there is no image .*images/absent\.png",
        "paths are relative to the folder of the data file",
    ),
    "text in a regression target": (
        "regression",
        "regression",
        {"score": "very urgent"},
        r"rows\.csv:6: column `score` holds `very urgent`, regression needs a number",
        "is data.label the right column, or task?",
    ),
    "infinite regression target": (
        "regression",
        "regression",
        {"score": "1e999"},
        r"rows\.csv:6: column `score` holds `1e999`, regression needs a finite number",
        None,
    ),
    "completion that is a number": (
        "causal-lm",
        "causal-lm",
        {"completion": 3},
        r"rows\.jsonl:5: column `completion` holds a number, the completion must be a string",
        None,
    ),
    "prompt without completion": (
        "causal-lm",
        "causal-lm",
        {"completion": None},
        r"rows\.jsonl:5: 1 row without completion \(line 5\)",
        "fill them in, or set data.on_missing_label: drop",
    ),
    "source without target": (
        "seq2seq",
        "seq2seq",
        {"target": ""},
        r"rows\.csv:6: 1 row without target \(line 6\)",
        "fill them in, or set data.on_missing_label: drop",
    ),
    "object among labels": (
        "multi-label",
        "multi-label",
        {"labels": [{"name": "fruit"}]},
        r"rows\.jsonl:5: column `labels` holds an object among its labels, expected names",
        None,
    ),
}


@pytest.mark.parametrize(("task", "case", "cells", "message", "hint"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_with_its_line(
    make_config: Make, task: str, case: str, cells: dict[str, Any], message: str, hint: str | None
) -> None:
    error = refusal(make_config(case, f"task={task}", cells=cells), DataError)

    assert re.search(message, str(error)), str(error)
    assert "\n" not in str(error)
    assert error.hint == hint


def test_an_unreadable_image_is_named_with_its_path(make_config: Make, tmp_path: Path) -> None:
    config = make_config("image-classification", cells={"image": "torn.png"})
    (tmp_path / "torn.png").write_bytes((tmp_path / "images" / "1.png").read_bytes()[:40])

    error = refusal(config, DataError)

    assert re.search(r"rows\.csv:6: column `image`: the image .*torn\.png cannot be read", str(error)), str(error)


def test_a_prompt_column_alone_is_told_what_is_missing(tmp_path: Path, make_config: Make) -> None:
    config = make_config("causal-lm", "task=causal-lm")
    Path(config.data.train).write_text('{"prompt": "a", "kind": "b"}\n')

    error = refusal(config, DataError)

    assert re.search(r"column `prompt` is a prompt, and no column is its completion: .* `prompt`, `kind`", str(error))
    assert error.hint == "set data.completion, or data.text to learn `prompt` alone"


@pytest.mark.parametrize(
    ("case", "override", "message"),
    [
        ("regression", "regularization.smoothing=0.1", "smoothing: has no meaning for task regression"),
        ("regression", "regularization.monitor=accuracy", "must be one of loss, pearson, spearman, rmse, rmse_of_mean"),
        (
            "text-classification",
            "regularization.monitor=entity_f1",
            "must be one of loss, accuracy, macro_f1, nll, ece",
        ),
        ("regression", "training.class_weights=balanced", "class_weights: has no meaning for task regression"),
        ("multi-label", "training.class_weights=balanced", "class_weights: has no meaning for task multi-label"),
        ("causal-lm", "training.class_weights=balanced", "class_weights: has no meaning for task causal-lm"),
        ("text-classification", "data.tags=label", "data.tags: has no meaning for task text-classification"),
        (
            "seq2seq",
            "data.label=target",
            "data.label: has no meaning for task seq2seq, whose columns are group, source",
        ),
    ],
)
def test_a_setting_of_another_task_is_refused(make_config: Make, case: str, override: str, message: str) -> None:
    error = refusal(make_config(case, f"task={case}", override), ConfigError)

    assert message in str(error)
    assert "\n" not in str(error)


def test_every_wrong_setting_is_told_at_once(make_config: Make) -> None:
    wrong = ("regularization.smoothing=0.1", "regularization.monitor=accuracy", "training.class_weights=balanced")

    error = refusal(make_config("regression", *wrong), ConfigError)

    assert len(str(error).splitlines()) == 3


def test_smoothing_0_may_be_written_for_regression(make_config: Make) -> None:
    run = api.train(make_config("regression", "regularization.smoothing=0", "training.epochs=1"))

    assert run.facts["effect"]["smoothing"] == 0


@pytest.mark.parametrize("name", TASKS)
def test_every_metric_of_a_task_may_be_monitored(name: str) -> None:
    assert set(TASKS[name].metrics) <= set(METRICS)
    assert TASKS[name].headline in TASKS[name].metrics


def test_long_labels_are_cut_in_messages(make_config: Make, tmp_path: Path) -> None:
    config = make_config("text-classification")
    path = Path(config.data.train)
    path.write_text("text,label\n" + "".join(f"row {i},{'x' * 500}\n" for i in range(9)))

    assert len(str(refusal(config, DataError))) < 200 + len(str(path))
