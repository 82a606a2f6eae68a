"""The demo sets: as many rows as the README says, well-formed, without repeats."""

from __future__ import annotations

import builtins
import csv
import datetime
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import regtune.data
from regtune.data.demo_digits import open_digits
from regtune.data.example import fold_text
from regtune.errors import EnvironmentFault

FOLDER = Path(regtune.data.__file__).parent / "demo"
SENTENCES = [
    [tuple(line.split("\t")) for line in sentence.split("\n")]
    for sentence in (FOLDER / "slots.conll").read_text("utf-8").strip().split("\n\n")
]
ENTITY_TYPES = {"amount", "date", "order", "person", "place", "product"}


def table(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def objects(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


def column(rows: list[dict[str, Any]], *names: str) -> list[str]:
    return [" | ".join(fold_text(row[name]) for name in names) for row in rows]


@pytest.mark.parametrize(
    ("rows", "inputs", "count"),
    [
        (table("support.csv"), ["text"], 752),
        (table("pairs.csv"), ["text_a", "text_b"], 540),
        (objects("topics.jsonl"), ["text"], 506),
        (table("urgency.csv"), ["text"], 426),
        (objects("replies.jsonl"), ["prompt"], 400),
        (table("dates.csv"), ["source"], 2000),
    ],
    ids=["support", "pairs", "topics", "urgency", "replies", "dates"],
)
def test_every_row_has_an_input_of_its_own(rows: list[dict[str, Any]], inputs: list[str], count: int) -> None:
    texts = column(rows, *inputs)

    assert all(text.strip(" |") for text in texts)
    assert len(set(texts)) == len(rows) == count


def test_each_set_has_its_columns() -> None:
    names = ("pairs.csv", "urgency.csv", "dates.csv")
    assert [list(table(name)[0]) for name in names] == [
        ["text_a", "text_b", "label", "group"],
        ["text", "score"],
        ["source", "target"],
    ]
    assert {tuple(row) for row in objects("topics.jsonl")} == {("text", "labels")}
    assert {tuple(row) for row in objects("replies.jsonl")} == {("prompt", "completion")}


def test_pairs_have_three_classes_of_180() -> None:
    assert Counter(row["label"] for row in table("pairs.csv")) == {"same": 180, "related": 180, "different": 180}


def test_no_text_of_a_pair_stands_in_two_groups() -> None:
    groups: Mapping[str, set[str]] = defaultdict(set)
    for row in table("pairs.csv"):
        groups[fold_text(row["text_a"])].add(row["group"])
        groups[fold_text(row["text_b"])].add(row["group"])

    assert {len(names) for names in groups.values()} == {1}
    assert len(set().union(*groups.values())) == 30


@pytest.mark.parametrize("side", ["text_a", "text_b"])
def test_each_question_stands_once_on_each_side_of_a_pair(side: str) -> None:
    """So that one side alone says nothing about the class."""
    assert len(set(column(table("pairs.csv"), side))) == 540


def test_topics_have_none_to_three_of_eight_labels() -> None:
    labels = [row["labels"] for row in objects("topics.jsonl")]

    assert Counter(len(names) for names in labels) == {0: 60, 1: 275, 2: 142, 3: 29}
    assert all(names == sorted(set(names)) for names in labels)
    counts = Counter(name for names in labels for name in names)
    assert len(counts) == 8
    assert min(counts.values()) >= 68


def test_urgency_is_a_number_from_0_to_10_spread_over_the_range() -> None:
    scores = [float(row["score"]) for row in table("urgency.csv")]

    assert (min(scores), max(scores)) == (0.0, 10.0)
    assert len(set(scores)) >= 90


def test_slots_are_540_sentences_without_repeats() -> None:
    texts = [fold_text(" ".join(token for token, _ in sentence)) for sentence in SENTENCES]

    assert len(set(texts)) == len(texts) == 540


def test_slots_name_each_entity_type_often_enough_to_learn() -> None:
    counts = Counter(tag[2:] for sentence in SENTENCES for _, tag in sentence if tag.startswith("B-"))

    assert set(counts) == ENTITY_TYPES
    assert min(counts.values()) >= 100


def test_slot_tags_are_valid_bio() -> None:
    """I-x only goes on from B-x or I-x; every line is one token without spaces, a tab, one tag."""

    def goes_on(before: str, tag: str) -> bool:
        return not tag.startswith("I-") or before in (f"B-{tag[2:]}", tag)

    def is_valid(sentence: Sequence[tuple[str, ...]]) -> bool:
        tags = [tag for _, tag in sentence]
        return all(goes_on(before, tag) for before, tag in zip(["O", *tags], tags, strict=False))

    assert all(re.fullmatch(r"\S+", token) for sentence in SENTENCES for token, _ in sentence)
    assert {tag.partition("-")[0] for sentence in SENTENCES for _, tag in sentence} == {"B", "I", "O"}
    assert all(is_valid(sentence) for sentence in SENTENCES)


def test_every_target_date_exists_and_lies_in_the_stated_years() -> None:
    years = {datetime.date.fromisoformat(row["target"]).year for row in table("dates.csv")}

    assert (min(years), max(years)) == (1990, 2029)


def test_letters_are_paragraphs_of_plain_text() -> None:
    text = (FOLDER / "letters.txt").read_text("utf-8")
    paragraphs = text.strip().split("\n\n")

    assert 140_000 < len(text) < 160_000
    assert len(paragraphs) > 1500
    assert not [paragraph for paragraph in paragraphs if not paragraph.strip() or re.search(r"[{}\t]", paragraph)]


def test_demo_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 710_000  # bytes, support.csv's 103,000 included


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_demo_files_are_clean_utf_8(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")

    assert text.endswith("\n")
    assert "\r" not in text
    assert "\N{REPLACEMENT CHARACTER}" not in text


def test_every_demo_set_is_described() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")

    sets = {path.stem for path in FOLDER.iterdir() if path.name != "README.md"} | {"digits"}
    assert sets == set(re.findall(r"^## demo:(\w+)", readme, flags=re.MULTILINE))


def test_digits_are_1797_images_of_10_classes() -> None:
    digits = open_digits()

    assert digits.columns == ("image", "label")
    labels = Counter(row.values["label"] for row in digits.rows)
    assert sorted(labels) == list("0123456789")
    assert (labels.total(), min(labels.values()), max(labels.values())) == (1797, 174, 183)


def test_a_digit_is_a_png_with_the_pixels_of_the_set() -> None:
    """The first image's first row is 0 0 5 13 9 1 0 0 of 16: 5 × 255 / 16 = 79.7, 13 → 207.2, 9 → 143.4, 1 → 15.9."""
    row = next(open_digits().rows)

    image = Image.open(BytesIO(row.values["image"]["bytes"]))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (8, 8))
    assert [image.getpixel((x, 0)) for x in range(8)] == [0, 0, 80, 207, 143, 16, 0, 0]
    assert (row.line, row.values["image"]["path"], row.values["label"]) == (1, "digits/0001.png", "0")


def test_digits_are_the_same_at_every_call() -> None:
    assert open_digits().sample(50) == open_digits().sample(50)


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError("No module named 'sklearn'", name="sklearn")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)

    with pytest.raises(EnvironmentFault, match=r"demo:digits needs .* and sklearn is not installed") as caught:
        open_digits()
    assert caught.value.hint == "pip install scikit-learn pillow"
