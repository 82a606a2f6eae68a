import json
from pathlib import Path

import pytest

from regtune.errors import EnvironmentFault
from regtune.models.folder import has_weights, is_path, local_folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("./model", True),
        ("../model", True),
        ("/models/bert", True),
        ("~/bert", True),
        ("runs/tickets/best", True),
        ("here", True),  # exists
        ("bert-base-uncased", False),
        ("google-bert/bert-base-uncased", False),
        ("", False),
    ],
)
def test_what_is_a_path(name: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)

    assert is_path(name) is expected


def test_a_missing_folder_names_the_nearest_one_that_exists(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    name = str(tmp_path / "runs/tickts/best")

    with pytest.raises(EnvironmentFault) as caught:
        local_folder(name)

    assert str(caught.value) == f"model: {name} does not exist; the nearest folder that does is {tmp_path / 'runs'}"


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(EnvironmentFault, match=f"the nearest folder that does is {tmp_path}"):
        local_folder("~/bert")


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_model_folder_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "thing"
    path.mkdir() if kind == "folder" else path.touch()

    with pytest.raises(EnvironmentFault, match=r"thing is not a model folder, it has no config\.json"):
        local_folder(str(path))


@pytest.mark.parametrize(
    ("file", "found"), [("pytorch_model.bin", r"\(it has pytorch_model.bin\)"), ("notes.md", r"\(it has none\)")]
)
def test_only_safetensors_are_loaded(file: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    (tmp_path / file).touch()

    with pytest.raises(EnvironmentFault, match=f"no complete safetensors weights {found}; only safetensors are loaded"):
        local_folder(str(tmp_path))


@pytest.mark.parametrize(("shards", "expected"), [(["a", "b"], True), (["a"], False)])
def test_sharded_weights_need_every_shard(shards: list[str], expected: bool, tmp_path: Path) -> None:
    index = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    for shard in shards:
        (tmp_path / f"{shard}.safetensors").touch()

    assert has_weights(tmp_path) is expected


def test_a_torn_index_is_no_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {')

    assert not has_weights(tmp_path)
