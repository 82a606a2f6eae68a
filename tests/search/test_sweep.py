"""A whole sweep from Python, tiny: what it leaves behind, and that it does nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtune import api
from regtune.config import load_config
from regtune.errors import ConfigError
from regtune.search.board import Board
from regtune.search.judging.sweep_result import SweepResult, read_result
from tests.conftest import make_rows

SWEEP = """
model: tiny
data: {{train: {rows}, validation: 0.25, test: 0.2, max_length: 8}}
regularization: {{dropout: 0.1, weight_decay: 0.01, patience: 2, smoothing: 0.1}}
training: {{epochs: 2, batch_size: 8, learning_rate: 1e-2, device: cpu}}
output: {folder}/sweep
sweep:
  trials: 3
  confirm: 2
  folds: 2
  workers: 1
  space: {{regularization.dropout: [0.0, 0.2, 0.4], training.learning_rate: {{low: 1e-3, high: 1e-1, log: true}}}}
"""

pytestmark = pytest.mark.xdist_group("sweep")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    rows = folder / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in make_rows(48)), "utf-8")
    (folder / "sweep.yaml").write_text(SWEEP.format(rows=rows, folder=folder), "utf-8")
    return folder


@pytest.fixture(scope="module")
def boards() -> list[Board]:
    return []


@pytest.fixture(scope="module")
def result(folder: Path, boards: list[Board]) -> SweepResult:
    return api.sweep(folder / "sweep.yaml", board=boards.append)


def test_own_and_everything_off_come_first_and_own_is_confirmed(result: SweepResult) -> None:
    own = next(standing for standing in result.standings if standing.candidate == "own")

    assert {standing.candidate for standing in result.standings} == {"own", "off", "2"}
    assert sorted(own.values) == [0, 1]


def test_the_budget_is_three_and_two_runs(result: SweepResult) -> None:
    assert result.counts == {"done": 5}


def test_the_board_is_shown_from_the_beginning_to_the_end(result: SweepResult, boards: list[Board]) -> None:
    assert boards[-1].stage == "done"
    assert {"search", "confirm"} & {board.stage for board in boards}


def test_best_yaml_trains_as_it_is(result: SweepResult, folder: Path) -> None:
    best = load_config(folder / "sweep" / "best.yaml")

    chosen = next(standing for standing in result.standings if standing.candidate == result.verdict.recommended)
    assert best.regularization.dropout == chosen.changes.get("regularization.dropout", 0.1)
    assert best.data.validation == 0.25  # the user's own split again, not a fold


def test_a_report_is_written(result: SweepResult, folder: Path) -> None:
    page = (folder / "sweep" / "report.html").read_text("utf-8")

    assert result.verdict.sentence.split(" (")[0] in page


def test_no_trial_looked_at_the_test_rows(result: SweepResult, folder: Path) -> None:
    assert not list((folder / "sweep" / "trials").rglob("predictions.csv"))
    assert {path.name for path in (folder / "sweep" / "trials" / "own-r0").iterdir()} == {
        ".lock",
        "config.yaml",
        "history.jsonl",
    }


def test_the_same_sweep_again_trains_nothing(result: SweepResult, folder: Path) -> None:
    before = (folder / "sweep" / "trials" / "002-r0" / "history.jsonl").stat().st_mtime_ns

    again = api.sweep(folder / "sweep.yaml")

    assert again.verdict == result.verdict
    assert (folder / "sweep" / "trials" / "002-r0" / "history.jsonl").stat().st_mtime_ns == before


def test_showing_it_says_the_same(result: SweepResult, folder: Path) -> None:
    assert api.show_sweep(str(folder / "sweep")) == read_result(folder / "sweep" / "result.json")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sweep.confirm=3", "sweep.confirm: the study was begun with 2, now 3"),
        ("training.batch_size=16", "training.batch_size: the study was begun with 8, now 16"),
        ("sweep.trials=4", "sweep.trials: the search of sweep is over"),
        ("sweep.space.regularization.dropout=[0.0, 0.3]", "sweep.space.regularization.dropout: the study was begun"),
    ],
)
def test_changes_under_the_same_name_are_refused(
    result: SweepResult, folder: Path, override: str, message: str
) -> None:
    asked = (folder / "sweep" / "sweep.yaml").read_text("utf-8")

    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        api.sweep(folder / "sweep.yaml", [override])

    assert (folder / "sweep" / "sweep.yaml").read_text("utf-8") == asked


def test_changed_rows_are_refused(result: SweepResult, folder: Path) -> None:
    rows = folder / "rows.csv"
    before = rows.read_text("utf-8")
    rows.write_text(before + "one more,fruit\n", "utf-8")

    try:
        with pytest.raises(ConfigError, match="study sweep: train file differs"):
            api.sweep(folder / "sweep.yaml")
    finally:
        rows.write_text(before, "utf-8")


def test_a_folder_of_something_else_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")

    with pytest.raises(ConfigError, match="is no sweep's folder"):
        api.sweep(folder / "sweep.yaml", [f"output={tmp_path}"])

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_refused_sweep_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sweep\.objective: must be one of"):
        api.sweep(folder / "sweep.yaml", [f"output={tmp_path / 'new'}", "sweep.objective=entity_f1"])

    assert not (tmp_path / "new").exists()
