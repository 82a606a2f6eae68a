"""fold:k/K in a config: what is one, and what is said of what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtune.config import parse_config
from regtune.config.changes import anchored
from regtune.config.folds import Fold, is_fold, parse_fold
from regtune.data.sources import check_sources
from regtune.errors import ConfigError

TEXT = "data:\n  train: demo:support\n  validation: {}\n"


def test_a_fold_is_read_and_written_alike() -> None:
    assert parse_fold("fold:2/5") == Fold(2, 5)
    assert str(Fold(2, 5)) == "fold:2/5"


@pytest.mark.parametrize("text", ["fold:1/2", "fold:20/20", "fold:5/5"])
def test_the_ends_of_the_range_are_allowed(text: str) -> None:
    assert parse_config(TEXT.format(text), name="c.yaml").data.validation == text


@pytest.mark.parametrize(
    "text", ["fold:0/5", "fold:6/5", "fold:1/1", "fold:a", "fold:", "fold:1/21", "fold:1.5/5", "fold:-1/5", "fold: 1/5"]
)
def test_anything_else_names_line_and_what_is_allowed(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(TEXT.format(f"'{text}'"), name="c.yaml")

    allowed = "must be fold:k/K with K from 2 to 20 and 1 ≤ k ≤ K, such as fold:1/5"
    assert str(caught.value) == f'c.yaml:3: data.validation: {allowed}, got "{text}"'


def test_a_fold_is_for_validation_only() -> None:
    with pytest.raises(ConfigError, match=r"c\.yaml:4: data\.test: a fold is held out for data\.validation only"):
        parse_config(TEXT.format(0.2) + "  test: fold:1/5\n", name="c.yaml")


def test_a_fold_is_no_file_to_look_for_or_to_anchor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fold:1").mkdir()
    (tmp_path / "fold:1" / "5").write_text("a file of that name")
    monkeypatch.chdir(tmp_path)
    config = parse_config(TEXT.format("fold:1/5"), name="c.yaml")

    check_sources(config.data)

    assert anchored(config).data.validation == "fold:1/5"
    assert not is_fold(0.2)


@pytest.mark.parametrize(("split_seed", "seed"), [("null", 3), ("7", 7)])
def test_the_split_has_its_own_seed_or_that_of_training(split_seed: str, seed: int) -> None:
    text = TEXT.format(0.2) + f"  split_seed: {split_seed}\ntraining:\n  seed: 3\n"

    assert parse_config(text, name="c.yaml").split_seed == seed
