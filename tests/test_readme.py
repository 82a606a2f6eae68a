"""The README tells the same story as the code: its commands exist, its config trains, its promises have a test."""

from __future__ import annotations

import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from regtune.cli import app, run_command_line
from regtune.config import parse_config
from regtune.config.schema import Config
from regtune.search.sweep_file import load_sweep

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`regtune {command}" in README


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    named = set(re.findall(r"(?:`|^)regtune ([a-z]+)", README, re.MULTILINE))

    assert named <= set(COMMANDS)


def test_nothing_is_left_to_fill_in() -> None:
    assert "PLACEHOLDER" not in README


def test_the_config_in_the_readme_is_valid() -> None:
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block

    config = parse_config(block[1], name="README.md")

    assert config.output == "runs/tickets"


def test_the_sweep_file_in_the_readme_is_valid(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(base: .*?)```", README, re.DOTALL)
    assert block
    (tmp_path / "sweep.yaml").write_text(block[1], "utf-8")
    shutil.copy(ROOT / "configs" / "small.yaml", tmp_path)

    sweep = load_sweep(tmp_path / "sweep.yaml")

    assert (sweep.settings.confirm, sweep.settings.folds, sweep.settings.seeds) == (9, 5, 1)  # as its comment says


def test_every_file_in_the_file_tree_exists() -> None:
    tree = re.search(r"```\nregtune/\n(.*?)```", README, re.DOTALL)
    assert tree
    names = [line.split()[0] for line in tree[1].splitlines()]

    assert {name.rstrip("/") for name in names} | {"__init__.py", "__main__.py", "py.typed"} == {
        path.name for path in (ROOT / "regtune").iterdir() if path.name != "__pycache__"
    }


def test_the_python_example_runs(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As printed, but for the config: the tiny model instead of the real one."""
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert block
    monkeypatch.setattr("regtune.api.load_config", lambda path, overrides: make_config(*overrides))

    exec(compile(block[1], "README.md", "exec"), {})

    assert "'value'" in capsys.readouterr().out


@pytest.mark.parametrize("command", re.findall(r"regtune train (\S+\.yaml) data\.train=(\S+)", README))
def test_the_own_data_command_runs(
    command: tuple[str, str], tmp_path: Path, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`regtune train configs/small.yaml data.train=tickets.csv`, with the tiny model for speed."""
    config, data = command
    monkeypatch.chdir(tmp_path)
    (tmp_path / data).write_text(labelled_file.read_text())

    quick = ["model=tiny", "training.epochs=1", "training.device=cpu"]
    assert run_command_line(["train", str(ROOT / config), f"data.train={data}", *quick]) == 0

    assert (tmp_path / "runs" / "small" / "report.html").exists()


TRAINED = sorted(path for path in (ROOT / "configs").glob("*.yaml") if path.name != "sweep.yaml")


@pytest.mark.parametrize("config", TRAINED, ids=lambda path: path.stem)
def test_every_shipped_config_runs(config: Path, tmp_path: Path) -> None:
    """Scaled down: tiny model, one epoch, short texts."""
    quick = ["model=tiny", "training.epochs=1", "data.max_length=16", "training.device=cpu", "training.batch_size=64"]

    assert run_command_line(["train", str(config), *quick, f"output={tmp_path / 'run'}"]) == 0


def test_the_number_of_kills_in_the_readme_is_that_of_the_test() -> None:
    kills = runpy.run_path(str(ROOT / "tests" / "training" / "kill_harness.py"))["KILLS"]

    assert f"kills {kills} runs with SIGKILL" in " ".join(README.split())
