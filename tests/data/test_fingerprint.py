"""What tells that data changed, and what does not."""

import hashlib
import json
from pathlib import Path

import pytest

from regtune.data import demo_sets
from regtune.data.sources import fingerprint
from regtune.data.table import Row, Table


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_of_a_file_it_is_the_hash_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"text\na\n")

    assert fingerprint(str(path)) == {"source": str(path), "sha256": sha256(b"text\na\n"), "bytes": 7}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    for name, content in {"cat/1.png": b"one", "dog/2.png": b"two"}.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(content)
    return folder


def test_of_a_folder_it_is_the_hash_of_names_and_hashes(folder: Path) -> None:
    listing = f"cat/1.png\n{sha256(b'one')}\ndog/2.png\n{sha256(b'two')}\n"

    assert fingerprint(str(folder)) == {
        "source": str(folder),
        "sha256": sha256(listing.encode()),
        "bytes": 6,
        "files": 2,
    }


def test_where_a_folder_lies_does_not_count(folder: Path) -> None:
    before = fingerprint(str(folder))["sha256"]
    moved = folder.rename(folder.parent / "moved")

    assert fingerprint(str(moved))["sha256"] == before


@pytest.mark.parametrize("name", [".DS_Store", "cat/Thumbs.db", ".cache/x.png", "cache-0123.arrow"])
def test_files_that_come_and_go_do_not_count(folder: Path, name: str) -> None:
    before = fingerprint(str(folder))
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")

    assert fingerprint(str(folder)) == before


@pytest.mark.parametrize("change", ["bird/1.png", "cat/1.png", "dog/2.png"])
def test_a_new_or_changed_file_counts(folder: Path, change: str) -> None:
    before = fingerprint(str(folder))["sha256"]
    (folder / change).parent.mkdir(exist_ok=True)
    (folder / change).write_bytes(b"six")

    assert fingerprint(str(folder))["sha256"] != before


def test_an_image_in_another_class_counts(folder: Path) -> None:
    before = fingerprint(str(folder))["sha256"]
    (folder / "cat" / "1.png").rename(folder / "dog" / "1.png")

    assert fingerprint(str(folder))["sha256"] != before


def test_of_a_pattern_it_covers_every_file(tmp_path: Path) -> None:
    for name in ("1.csv", "2.csv", "3.txt"):
        (tmp_path / name).write_text(name)

    facts = fingerprint(str(tmp_path / "*.csv"))

    listing = f"1.csv\n{sha256(b'1.csv')}\n2.csv\n{sha256(b'2.csv')}\n"
    assert facts == {"source": str(tmp_path / "*.csv"), "sha256": sha256(listing.encode()), "bytes": 10, "files": 2}


def test_of_a_made_set_it_is_the_hash_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"image": {"bytes": b"\0", "path": None}, "label": "0"}
    monkeypatch.setitem(demo_sets.MADE, "dots", lambda: Table("dots", ("image", "label"), iter([Row(1, values)])))

    facts = fingerprint("demo:dots")

    assert facts == {
        "source": "demo:dots",
        "sha256": sha256(json.dumps({"image": {"bytes": "00", "path": None}, "label": "0"}).encode()),
    }
