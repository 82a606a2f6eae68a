"""Public data sets, where they lie beside the repository (see their PROVENANCE.md); skipped elsewhere."""

from pathlib import Path

import pytest

from regtune.config.schema import DataSettings
from regtune.data.dataset import Splits
from regtune.data.dataset import load_splits as load
from regtune.errors import DataError
from regtune.tasks import TASKS

DATA = Path(__file__).parents[3] / "shared" / "data"

# Real sets lie beside the checkout, never in it: a clone elsewhere has none.
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data sets at {DATA}")


def load_splits(settings: DataSettings, *, seed: int) -> Splits:
    return load(settings, rules=TASKS["text-classification"], seed=seed)


def test_banking77_has_its_rows_and_classes() -> None:
    splits = load_splits(DataSettings(train=str(DATA / "banking77" / "train.csv")), seed=0)

    assert len(splits.train) + len(splits.validation) == 10_003
    assert len(splits.validation) == 2001  # 0.2 · 10,003
    assert len(splits.label_names) == 77


def test_snli_groups_never_straddle() -> None:
    path = DATA / "snli_mini" / "train.csv"

    splits = load_splits(DataSettings(train=str(path), text="text_b", test=0.2), seed=0)

    groups = [{example.group for example in side} for side in (splits.train, splits.validation, splits.test)]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert abs(len(splits.validation) - 215) <= 3
    assert abs(len(splits.test) - 215) <= 3


def test_wellformedness_scores_are_no_classes() -> None:
    with pytest.raises(DataError, match="looks like regression"):
        load_splits(DataSettings(train=str(DATA / "query_wellformedness" / "train_1000.csv")), seed=0)
