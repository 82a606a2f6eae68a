"""Which task a training file looks like: the shipped demo sets, real sets where they lie beside the repository."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from regtune.config.schema import Config, DataSettings
from regtune.tasks.infer import infer_task, resolve_task

DATA = Path(__file__).parents[3] / "shared" / "data"


def task_of(train: str, **columns: str) -> str:
    return infer_task(DataSettings(train=train, **columns))[0].name


@pytest.mark.parametrize(
    ("source", "task", "reason"),
    [
        ("support", "text-classification", "a text and one label a row"),
        ("pairs", "text-classification", "a text and one label a row"),
        ("topics", "multi-label", "column `labels` holds lists of labels"),
        ("urgency", "regression", "column `score` holds numbers with fractions, 96 different ones"),
        ("slots", "token-classification", "columns `tokens` and `tags`, one tag per word"),
        ("replies", "causal-lm", "columns `prompt` and `completion`"),
        ("letters", "causal-lm", "the only column is `text`"),
        ("dates", "seq2seq", "columns `source` and `target`"),
        ("digits", "image-classification", "column `image` holds images"),
    ],
)
def test_a_demo_set_is_recognised_with_the_reason(source: str, task: str, reason: str) -> None:
    found, why = infer_task(DataSettings(train=f"demo:{source}"))

    assert found.name == task
    assert why == f"task {task}: {reason} (set `task` for another)"


# Real sets lie beside the checkout, never in it: a clone elsewhere has none.
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data sets at {DATA}")
@pytest.mark.parametrize(
    ("path", "task"),
    [
        ("banking77/train.csv", "text-classification"),
        ("clinc150/train.csv", "text-classification"),
        ("snips_slots/train.jsonl", "token-classification"),
        ("wnut17/train.jsonl", "token-classification"),
        ("nlupp_hotels/train.jsonl", "multi-label"),
        ("snli_mini/train.csv", "text-classification"),
        ("stsb_ccbysa/train.csv", "regression"),
        ("query_wellformedness/train_1000.csv", "regression"),
        ("tiny_shakespeare/train.txt", "causal-lm"),
    ],
)
def test_a_real_set_is_recognised(path: str, task: str) -> None:
    assert task_of(str(DATA / path)) == task


@pytest.mark.parametrize(
    ("header", "rows", "task"),
    [
        ("text,label", ["a b,1", "c d,2", "e f,3", "g h,1"], "text-classification"),  # stars are classes until said
        ("text,label", ["a b,1.0", "c d,2.0", "e f,1.0"], "text-classification"),  # whole numbers with a point
        ("text,label", ["a b,1.0", "c d,2.5", "e f,1.0"], "regression"),
        ("text,labels", ["a b,x;y", "c d,x", "e f,"], "multi-label"),
        ("text,labels", ["a b,x", "c d,y", "e f,x"], "text-classification"),
        ("text", ["a b", "c d"], "causal-lm"),
        ("input,output", ["a b,c", "d e,f"], "seq2seq"),
        ("source,target,label", ["a b,c,x"], "seq2seq"),
    ],
)
def test_columns_and_first_rows_decide(tmp_path: Path, header: str, rows: list[str], task: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([header, *rows]) + "\n")

    assert task_of(str(path)) == task


def test_a_file_of_lists_of_one_label_is_multi_label(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "a", "label": ["b"]}) + "\n")

    assert task_of(str(path)) == "multi-label"


def test_a_named_column_counts_as_the_usual_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("sentence,rewritten\na b,c d\n")

    assert task_of(str(path), source="sentence", target="rewritten") == "seq2seq"


def test_a_task_that_is_set_is_not_inferred(make_config: Callable[..., Config]) -> None:
    config, task, reason = resolve_task(make_config("regression", "task=text-classification"))

    assert (config.task, task.name, reason) == ("text-classification", "text-classification", None)


@pytest.mark.parametrize(
    ("case", "smoothing"),
    [
        ("text-classification", 0.1),
        ("token-classification", 0.1),
        ("seq2seq", 0.1),
        ("causal-lm", 0),
        ("regression", 0),
    ],
)
def test_smoothing_left_out_is_what_suits_the_task(
    make_config: Callable[..., Config], case: str, smoothing: float
) -> None:
    assert resolve_task(make_config(case))[0].regularization.smoothing == smoothing
