"""Image folders: one folder per class."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regtune.data.sources import open_table
from regtune.errors import DataError, EnvironmentFault


def rows_of(source: str | Path) -> list[dict[str, Any]]:
    with open_table(str(source)) as table:
        return [row.values for row in table.rows]


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    touch(folder / "dog" / "a.PNG", folder / "cat" / "2.jpg", folder / "cat" / "10.jpeg")
    return folder


PETS = [
    {"image": "pets/cat/10.jpeg", "label": "cat"},
    {"image": "pets/cat/2.jpg", "label": "cat"},
    {"image": "pets/dog/a.PNG", "label": "dog"},
]


def test_rows_are_sorted_by_class_and_file(pets: Path) -> None:
    assert rows_of(pets) == PETS


def test_images_are_relative_to_where_the_folder_lies(pets: Path) -> None:
    for row in rows_of(pets):
        assert (pets.parent / row["image"]).is_file()


def test_the_current_folder_can_be_named(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pets)

    assert [row["image"] for row in rows_of(".")] == ["cat/10.jpeg", "cat/2.jpg", "dog/a.PNG"]


def test_files_of_the_system_are_passed_over(pets: Path) -> None:
    touch(pets / ".DS_Store", pets / "cat" / "Thumbs.db", pets / "dog" / "._a.png", pets / ".cache" / "x.png")

    assert rows_of(pets) == PETS


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("labels.csv", r"pets/labels\.csv: a file beside the class folders"),
        ("3.jpg", r"pets/3\.jpg: a file beside the class folders"),
        ("cat/notes.txt", r"pets/cat/notes\.txt: not an image; images end in \.jpg"),
        ("cat/young/3.jpg", r"pets/cat/young: a folder inside a class folder"),
    ],
)
def test_what_does_not_belong_there_is_named(pets: Path, added: str, message: str) -> None:
    touch(pets / added)

    with pytest.raises(DataError, match=message) as caught:
        rows_of(pets)
    assert caught.value.hint == "keep one folder per class with its images in it, and nothing else"


def test_an_empty_class_folder_is_named(pets: Path) -> None:
    (pets / "bird").mkdir()

    with pytest.raises(DataError, match="pets/bird: no images in this class folder"):
        rows_of(pets)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "cat" / "notes.doc")

    with pytest.raises(DataError, match="this is a folder, not a file, and holds neither images, one folder per class"):
        rows_of(tmp_path)


def test_a_folder_of_image_folders_names_one(pets: Path) -> None:
    pets.rename(pets.parent / "train")

    with pytest.raises(DataError, match="this is a folder") as caught:
        rows_of(pets.parent)
    assert caught.value.hint == f"name a folder in it, e.g. `{pets.parent / 'train'}`"


def test_a_folder_that_may_not_be_read_is_an_environment_fault(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Path.iterdir

    def refuse_cats(folder: Path) -> Iterator[Path]:
        if folder.name == "cat":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refuse_cats)

    with pytest.raises(EnvironmentFault, match="pets/cat: cannot be read: Permission denied"):
        rows_of(pets)
