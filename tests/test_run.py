"""The run folder: created once, locked, replaced file by file."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtune.errors import ConfigError, EnvironmentFault
from regtune.run import Run, create_run, open_run, remove_leftovers, write_text


@pytest.mark.parametrize(
    ("config_name", "folder"), [("small", "small"), ("My config!", "My-config"), ("../../etc", "etc"), ("", "run")]
)
def test_default_names_are_safe_and_inside_runs(
    config_name: str, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    assert create_run(None, config_name=config_name).path == Path("runs") / folder


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")

    with pytest.raises(ConfigError, match="already exists and is never overwritten"):
        create_run(str(tmp_path / "run"), config_name="x")


def test_what_a_kill_during_preparation_leaves_does_not_block_the_next_try(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").write_text("process 1")

    assert create_run(str(tmp_path / "run"), config_name="x").path == tmp_path / "run"


def test_a_folder_that_cannot_be_made_is_an_environment_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EnvironmentFault, match=r"cannot write to .*file/run \(Not a directory\)"):
        create_run(str(tmp_path / "file" / "run"), config_name="x")


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not a run folder \(no run.json\)"):
        open_run(tmp_path)


def test_a_torn_run_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"status": "comp')

    with pytest.raises(EnvironmentFault, match=r"run\.json: cannot be read"):
        _ = open_run(tmp_path).status


def test_a_run_json_that_is_no_object_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[1]")

    with pytest.raises(EnvironmentFault, match=r"run\.json: cannot be read \(no JSON object\)"):
        _ = open_run(tmp_path).status


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with run.locked():
        pass
    with run.locked(), pytest.raises(EnvironmentFault, match="in use by process"), Run(tmp_path).locked():
        pass


def test_write_text_leaves_no_stage_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "two")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "two")]


def test_leftovers_of_a_killed_process_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        ".stage-run.json",
        "run.json",
        ".stage-1-predictions.csv",
        "checkpoints/.stage-1/x",
        "checkpoints/.trash-step-00000001/x",
        "checkpoints/step-00000002/x",
        ".stage-best-1/x",
        "best/.stage-README.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    remove_leftovers(Run(tmp_path))

    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"run.json", "checkpoints/step-00000002/x"}
