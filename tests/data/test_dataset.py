"""From settings to sides: what is carved, what is read, what is noted, what is saved."""

import hashlib
import json
from pathlib import Path

import pytest

from regtune.config.schema import DataSettings
from regtune.data.dataset import Splits
from regtune.data.dataset import load_splits as load
from regtune.errors import ConfigError, DataError
from regtune.tasks import TASKS


def load_splits(settings: DataSettings, *, seed: int) -> Splits:
    return load(settings, rules=TASKS["text-classification"], seed=seed)


def write_rows(path: Path, rows: list[tuple[str, str]]) -> str:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return str(path)


@pytest.fixture
def train(tmp_path: Path) -> str:
    rows = [(f"good thing {number}", "pos") for number in range(30)]
    return write_rows(tmp_path / "train.csv", rows + [(f"bad thing {number}", "neg") for number in range(20)])


def test_shares_are_carved_out_of_the_training_rows(train: str) -> None:
    splits = load_splits(DataSettings(train=train, validation=0.2, test=0.1), seed=0)

    assert (len(splits.train), len(splits.validation), len(splits.test)) == (35, 10, 5)
    assert splits.label_names == ("neg", "pos")


def test_folds_hold_out_each_row_once_and_keep_the_test_rows(train: str) -> None:
    folds = [load_splits(DataSettings(train=train, validation=f"fold:{k}/4", test=0.2), seed=3) for k in (1, 2, 3, 4)]
    by_share = load_splits(DataSettings(train=train, validation=0.2, test=0.2), seed=3)

    held_out = [example.text for splits in folds for example in splits.validation]
    assert len(held_out) == len(set(held_out)) == 40
    assert all(splits.test == by_share.test for splits in folds)
    assert all(len(splits.train) == 30 for splits in folds)


def test_rows_that_no_fold_holds_out_are_counted(tmp_path: Path) -> None:
    rows = [(f"text {number}", "ab"[number % 2]) for number in range(20)]
    source = write_rows(tmp_path / "t.csv", [*rows, ("the only c", "c")])

    splits = load_splits(DataSettings(train=source, validation="fold:1/5"), seed=0)

    note = "1 of 21 rows are in train in every fold: held out, their class would be missing from train"
    assert note in splits.notes


def test_a_fold_beside_a_test_file(train: str, tmp_path: Path) -> None:
    test = write_rows(tmp_path / "test.csv", [("fine", "pos"), ("awful", "neg")])

    splits = load_splits(DataSettings(train=train, validation="fold:5/5", test=test), seed=0)

    assert (len(splits.train), len(splits.validation), len(splits.test)) == (40, 10, 2)


@pytest.mark.parametrize("fold", ["fold:0/5", "fold:1/21"])
def test_a_fold_that_does_not_exist_is_refused_before_anything_is_read_as_a_file(train: str, fold: str) -> None:
    with pytest.raises(ConfigError, match=rf"data\.validation: must be fold:k/K with K from 2 to 20 .* got {fold}"):
        load_splits(DataSettings(train=train, validation=fold), seed=0)


def test_example_knows_its_place(train: str) -> None:
    first = load_splits(DataSettings(train=train, validation=0.5), seed=0).train[0]

    assert Path(first.source).read_text().splitlines()[first.line - 1] == f"{first.text},{first.label}"


def test_given_files_are_kept_whole(train: str, tmp_path: Path) -> None:
    test = write_rows(tmp_path / "test.csv", [("fine", "pos"), ("awful", "neg"), ("fine", "pos")])

    splits = load_splits(DataSettings(train=train, test=test), seed=0)

    assert (len(splits.train), len(splits.validation), len(splits.test)) == (40, 10, 3)


def test_rows_of_a_given_file_that_are_in_train_are_counted_and_stay(train: str, tmp_path: Path) -> None:
    validation = write_rows(tmp_path / "v.csv", [("fine", "pos"), ("Good  thing 3", "pos"), ("bad thing 1", "neg")])

    splits = load_splits(DataSettings(train=train, validation=validation), seed=0)

    assert len(splits.validation) == 3
    assert f"2 of 3 validation rows also stand in train (first: {validation}:3)" in splits.notes


@pytest.mark.parametrize("side", ["validation", "test"])
def test_a_given_side_that_is_wholly_in_the_other_rows_is_refused(train: str, side: str) -> None:
    """The training file named twice, also when a share of it is held out for the other side."""
    settings = {"validation": 0.2, "test": 0.2} | {side: train}

    with pytest.raises(DataError, match=rf"train\.csv: every {side} row also stands among the other rows"):
        load_splits(DataSettings(train=train, **settings), seed=0)


def test_carved_splits_do_not_leak(tmp_path: Path) -> None:
    rows = [(f"text {number % 25}", "ab"[number % 2]) for number in range(100)]

    splits = load_splits(DataSettings(train=write_rows(tmp_path / "t.csv", rows), test=0.2), seed=0)

    assert not [note for note in splits.notes if "also stand" in note]


def test_repeated_and_contradicting_rows_are_counted(train: str) -> None:
    with Path(train).open("a") as file:
        file.write("good thing 3,neg\ngood thing 4,pos\n")

    splits = load_splits(DataSettings(train=train), seed=0)

    assert f"2 of 52 rows repeat an earlier text (first: {train}:52)" in splits.notes
    assert f"1 text has more than one label (first: {train}:5 `pos`, {train}:52 `neg`)" in splits.notes


def test_label_that_train_lacks_is_named_with_its_row(train: str, tmp_path: Path) -> None:
    test = write_rows(tmp_path / "test.csv", [("fine", "pos"), ("so so", "neutral")])

    with pytest.raises(DataError, match=r"test\.csv:3: label `neutral` is not one of the 2 classes of the training"):
        load_splits(DataSettings(train=train, test=test), seed=0)


def test_column_that_only_train_has_is_an_error(train: str, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("text,labels\na,pos\n")

    with pytest.raises(DataError, match=r"test\.csv: no column `label` \(data\.label\)") as caught:
        load_splits(DataSettings(train=train, test=str(tmp_path / "test.csv")), seed=0)
    assert caught.value.hint == "did you mean `labels`?"


def test_labels_are_named_alike_in_all_files(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train.csv", [(f"row {number}", f"{number % 2}.0") for number in range(20)])
    test = write_rows(tmp_path / "test.csv", [("x", "0"), ("y", "1")])

    splits = load_splits(DataSettings(train=train, test=test), seed=0)

    assert splits.label_names == ("0", "1")
    assert [example.label for example in splits.test] == ["0", "1"]


def test_json_numbers_and_booleans_are_class_names(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        "".join(json.dumps({"text": f"row {number}", "label": number % 2 == 0}) + "\n" for number in range(9))
    )

    assert load_splits(DataSettings(train=str(path)), seed=0).label_names == ("false", "true")


def test_separator_without_a_delimited_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.separator: has no meaning"):
        load_splits(DataSettings(train=str(tmp_path / "t.jsonl"), separator=";"), seed=0)


@pytest.fixture
def splits(train: str) -> Splits:
    return load_splits(DataSettings(train=train, test=0.1), seed=0)


def test_facts_hold_the_fingerprint_of_each_file(splits: Splits, train: str) -> None:
    content = Path(train).read_bytes()

    assert splits.facts["files"]["train"] == {
        "source": train,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "rows": 50,
    }


def test_facts_hold_the_side_of_each_row_by_its_digest(splits: Splits) -> None:
    for side in ("train", "validation", "test"):
        for example in getattr(splits, side):
            assert splits.facts["split"][example.digest] == side


def test_facts_count_classes_by_side_and_are_json(splits: Splits) -> None:
    facts = json.loads(json.dumps(splits.facts))

    assert facts["counts"]["test"] == {"neg": 2, "pos": 3}
    assert facts["rows"] == {"train": 35, "validation": 10, "test": 5}


def test_digest_is_that_of_folded_text_and_label(splits: Splits) -> None:
    example = splits.train[0]
    content = f"{example.text}\n{example.label}".encode()  # the texts are folded already

    assert example.digest == hashlib.sha256(content).hexdigest()[:16]
