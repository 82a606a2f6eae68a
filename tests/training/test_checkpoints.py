"""The checkpoint store: what survives, what is refused, in which order things reach the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from regtune.errors import EnvironmentFault
from regtune.training import checkpoints
from regtune.training.checkpoints import CheckpointStore, find_damage


def save(store: CheckpointStore, step: int, best_step: int | None = None) -> Path:
    tensors = {"model": {"weight": torch.full((4, 4), float(step))}}
    return store.save(step, tensors=tensors, documents={"state": {"step": step}}, best_step=best_step).path


def names(store: CheckpointStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints")


def never(message: str) -> None:
    raise AssertionError(message)


def test_what_was_saved_comes_back(store: CheckpointStore) -> None:
    save(store, 12)

    newest = store.newest(on_damage=never)

    assert newest is not None
    assert newest.step == 12
    assert newest.document("state") == {"step": 12}
    assert torch.equal(newest.tensors("model")["weight"], torch.full((4, 4), 12.0))


def test_an_empty_store_has_no_newest(store: CheckpointStore) -> None:
    assert store.newest(on_damage=never) is None


def test_the_last_two_and_the_best_are_kept(store: CheckpointStore) -> None:
    for step in (1, 2, 3, 4, 5):
        save(store, step, best_step=2 if step >= 2 else 1)

    assert names(store) == ["step-00000002", "step-00000004", "step-00000005"]


def test_rotation_goes_by_step_and_not_by_time_stamp(store: CheckpointStore) -> None:
    for step in (1, 2):
        save(store, step)
    os.utime(store.folder / "step-00000001", (2e9, 2e9))  # touched, or copied from a backup

    save(store, 3)

    assert names(store) == ["step-00000002", "step-00000003"]


def turn_into_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero_fill(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def flip_one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "MANIFEST.json"])
@pytest.mark.parametrize("mutate", [delete, truncate, empty, zero_fill, flip_one_bit, turn_into_a_folder])
def test_every_damage_is_named_and_the_checkpoint_before_is_used(
    store: CheckpointStore, name: str, mutate: Callable[[Path], None]
) -> None:
    save(store, 1)
    mutate(save(store, 2) / name)
    heard: list[str] = []

    newest = store.newest(on_damage=heard.append)

    assert newest is not None
    assert newest.step == 1
    assert len(heard) == 1
    assert "step-00000002" in heard[0]
    assert names(store) == ["bad-step-00000002", "step-00000001"]


def test_a_checkpoint_copied_under_another_step_is_refused(store: CheckpointStore) -> None:
    os.rename(save(store, 3), store.folder / "step-00000009")

    assert find_damage(store.folder / "step-00000009") == "holds step 3, not the step in its name"


def test_a_manifest_that_names_a_file_elsewhere_is_refused(store: CheckpointStore) -> None:
    path = save(store, 1)
    manifest = json.loads((path / "MANIFEST.json").read_text())
    manifest["files"]["../../secret"] = {"bytes": 1, "sha256": ""}
    (path / "MANIFEST.json").write_text(json.dumps(manifest))

    assert find_damage(path) == "../../secret is missing"


def test_a_file_the_manifest_does_not_know_is_refused(store: CheckpointStore) -> None:
    path = save(store, 1)
    manifest = json.loads((path / "MANIFEST.json").read_text())
    del manifest["files"]["state.json"]
    (path / "MANIFEST.json").write_text(json.dumps(manifest))

    assert find_damage(path) == "state.json is not in MANIFEST.json"


@pytest.mark.parametrize(
    "manifest",
    [
        *("{}", "[]", "null", "[" * 100_000),
        *('{"files": {}}', '{"step": "x", "files": {}}', '{"step": null, "files": {}}'),
        *('{"step": Infinity, "files": {}}', '{"step": 1, "files": 3}'),
        *(f'{{"step": 1, "files": {{}}, "best_step": {best}}}' for best in ('"x"', "8.5", "[8]", "-8", "9")),
    ],
)
def test_any_other_manifest_is_damage_and_no_crash(store: CheckpointStore, manifest: str) -> None:
    path = save(store, 1)
    (path / "MANIFEST.json").write_text(manifest)

    assert find_damage(path) == "MANIFEST.json is damaged"


def test_a_checkpoint_whose_best_is_damaged_is_of_no_use(store: CheckpointStore) -> None:
    """Resuming from it would train to the end and then find no best weights to restore."""
    flip_one_bit(save(store, 1, best_step=1) / "model.safetensors")
    save(store, 2, best_step=1)
    heard: list[str] = []

    newest = store.newest(on_damage=heard.append)

    assert newest is None
    assert "needs the best weights of step-00000001, but there model.safetensors was altered" in heard[0]
    assert names(store) == ["bad-step-00000001", "bad-step-00000002"]


def test_files_are_flushed_before_the_rename_and_the_folder_after(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that survives a power loss: contents, then the name, then the folder that holds the name."""
    happened: list[str] = []
    flush, rename = checkpoints._flush, os.rename
    monkeypatch.setattr(checkpoints, "_flush", lambda path: (happened.append(f"flush {path.name}"), flush(path)))
    monkeypatch.setattr(os, "rename", lambda a, b: (happened.append("rename"), rename(a, b)))

    save(store, 1)

    stage = f".stage-{os.getpid()}"
    flushed = ["flush MANIFEST.json", "flush model.safetensors", "flush state.json", f"flush {stage}"]
    assert happened == [*flushed, "rename", "flush checkpoints"]


def test_a_full_disk_is_one_clear_error_and_earlier_checkpoints_stay(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "_flush", full)
    with pytest.raises(EnvironmentFault, match=r"No space left on device.*earlier checkpoints are intact") as caught:
        save(store, 2)

    assert "--resume" in (caught.value.hint or "")
    assert names(store) == ["step-00000001"]


def test_saving_a_step_again_replaces_it(store: CheckpointStore) -> None:
    save(store, 1)
    save(store, 1)

    assert names(store) == ["step-00000001"]
    assert find_damage(store.folder / "step-00000001") is None
