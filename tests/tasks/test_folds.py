"""Folds suit the rows of every task: each row of its demo set is held out once."""

from __future__ import annotations

import pytest

from regtune.config import parse_config
from regtune.data.dataset import load_splits
from regtune.tasks.infer import resolve_task


@pytest.mark.parametrize("name", ["support", "topics", "urgency", "slots", "replies", "pairs", "dates"])
def test_each_row_is_held_out_once(name: str) -> None:
    config, task, _ = resolve_task(parse_config(f"data: {{train: 'demo:{name}'}}", name="c.yaml"))
    folds = [
        load_splits(config.data.model_copy(update={"validation": f"fold:{number}/3"}), rules=task, seed=0)
        for number in (1, 2, 3)
    ]

    held_out = [example.line for splits in folds for example in splits.validation]
    assert sorted(held_out) == sorted(example.line for example in (*folds[0].train, *folds[0].validation))
    assert len(held_out) == len(set(held_out))
