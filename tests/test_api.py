"""The Python API: the same functions the commands call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from regtune import evaluate, list_runs, load_run, predict, resume, train
from regtune.config.schema import Config


def test_train_then_load_then_use(make_config: Callable[..., Config], tmp_path: Path) -> None:
    run = train(make_config())
    loaded = load_run(run.path)
    (tmp_path / "new.csv").write_text("text\napple pear\n")

    assert loaded.status == "completed"
    assert len(loaded.history) == 2
    assert evaluate(run.path)["metrics"] == loaded.facts["test"]["metrics"]
    assert predict(run.path, str(tmp_path / "new.csv"), str(tmp_path / "out.jsonl")) == 1
    assert resume(run.path).facts == loaded.facts
    assert [found.path for found in list_runs(tmp_path)] == [run.path]
    assert 1 <= len(loaded.facts["advice"]) <= 3


def test_advice_for_a_run_from_python_is_a_command_that_exists(make_config: Callable[..., Config]) -> None:
    run = train(make_config())

    commands = [line["command"] for line in run.facts["advice"] if line["command"]]
    assert commands
    assert all(command.startswith(f"regtune train {run.config_path} ") for command in commands)
