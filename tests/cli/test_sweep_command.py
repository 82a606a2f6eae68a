"""`regtune sweep`, `show` and `join` as typed: what reaches the API, which file is taken, errors in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regtune import api
from regtune.cli import run_command_line
from regtune.search.workers.places import ALLOWED, overrides_here
from tests.reporting.sweep.sweep_pieces import board_of, result_of, search_records

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "regtune" / "search" / "sweep.yaml"
DATABASE = ["--storage", "postgresql+psycopg://me@db/sweeps", "--study", "tickets"]

Call = tuple[tuple[Any, ...], dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Call]:
    """What reached the API, which is replaced; in an empty working directory."""
    noted: list[Call] = []

    def note(*arguments: Any, **options: Any) -> Any:
        noted.append((arguments, options))
        if "board" in options:
            options["board"](board_of(search_records()))
        return result_of()

    monkeypatch.chdir(tmp_path)
    for name in ("sweep", "show_sweep", "join_sweep"):
        monkeypatch.setattr(api, name, note, raising=False)
    return noted


def failing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines on stderr of a command that must end with exit code 2."""
    assert run_command_line(arguments) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return captured.err.splitlines()


# ---- regtune sweep ---------------------------------------------------------------------------------------------------


def test_a_file_overrides_and_options_reach_the_api_in_any_order(calls: list[Call]) -> None:
    words = [
        "--workers",
        "2",
        "mine.yaml",
        "sweep.trials=4",
        "--storage",
        "sqlite:///x.db",
        "--ray",
        "ray://head:10001",
    ]

    assert run_command_line(["sweep", *words]) == 0

    [(arguments, options)] = calls
    assert arguments == (Path("mine.yaml"), ["sweep.trials=4"])
    assert {key: options[key] for key in ("storage", "study", "workers", "ray")} == {
        "storage": "sqlite:///x.db",
        "study": None,
        "workers": 2,
        "ray": "ray://head:10001",
    }


def test_alone_it_takes_the_sweep_file_of_this_folder_and_says_so(
    calls: list[Call], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("configs").mkdir()
    Path("configs/sweep.yaml").write_text("sweep: {trials: 3}")

    assert run_command_line(["sweep"]) == 0

    assert calls[0][0] == (Path("configs/sweep.yaml"), [])
    assert capsys.readouterr().err.splitlines()[0] == "sweep file: configs/sweep.yaml"


def test_alone_in_another_folder_it_takes_the_shipped_example_and_says_so(
    calls: list[Call], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["sweep", "sweep.trials=3"]) == 0

    (path, overrides), _ = calls[0]
    assert path.resolve() == SHIPPED
    assert overrides == ["sweep.trials=3"]
    assert "the example that comes with regtune" in capsys.readouterr().err


def test_the_shipped_example_is_the_one_in_configs() -> None:
    assert SHIPPED.read_text("utf-8") == (ROOT / "configs" / "sweep.yaml").read_text("utf-8")


def test_the_leaderboard_and_the_verdict_are_shown(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["sweep", "mine.yaml"]) == 0

    out = capsys.readouterr().out
    assert "0.512" in out
    assert "Better: trial 3" in out
    assert "\x1b" not in out


def test_with_json_standard_output_is_json_and_the_leaderboard_goes_to_standard_error(
    calls: list[Call], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["sweep", "mine.yaml", "--json"]) == 0

    captured = capsys.readouterr()
    assert json.loads(captured.out)["verdict"]["recommended"] == "3"
    assert "0.512" in captured.err


def test_two_sweep_files_are_refused(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    lines = failing(["sweep", "a.yaml", "show"], capsys)

    assert lines[0] == "error: command line: one sweep file at a time, got a.yaml, show"
    assert calls == []


@pytest.mark.parametrize("word", ["show", "join"])
def test_a_sweep_file_named_like_a_command_is_reached_by_its_path(calls: list[Call], word: str) -> None:
    assert run_command_line(["sweep", f"./{word}"]) == 0

    assert calls[0][0] == (Path(word), [])


def test_0_workers_are_refused(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(["sweep", "mine.yaml", "--workers", "0"], capsys) == ["error: --workers: must be 1 or more, got 0"]


# ---- regtune sweep show ----------------------------------------------------------------------------------------------


def test_show_takes_a_folder_or_an_url_and_a_study(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["sweep", "show", "runs/mine", "--study", "tickets"]) == 0

    assert calls == [(("runs/mine", "tickets"), {})]
    assert "Better: trial 3" in capsys.readouterr().out


def test_show_prints_json_on_request(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["sweep", "show", "runs/mine", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["verdict"]["recommended"] == "3"


def test_show_of_an_unfinished_sweep_is_its_table(
    calls: list[Call], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api, "show_sweep", lambda where, study: board_of(search_records()))

    assert run_command_line(["sweep", "show", "runs/mine"]) == 0
    assert "0.512" in capsys.readouterr().out

    assert run_command_line(["sweep", "show", "runs/mine", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["stage"] == "search"
    assert [job["value"] for job in shown["jobs"] if job["candidate"] == "3"] == [0.512]
    assert [job["error"] for job in shown["jobs"] if job["status"] == "failed"] == ["diverged: loss is nan at step 9"]


def test_show_alone_takes_the_newest_sweep(calls: list[Call]) -> None:
    for age, name in enumerate(("newest", "older", "oldest")):
        path = Path("runs", name, "sweep.yaml")
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))

    assert run_command_line(["sweep", "show"]) == 0

    assert calls == [((str(Path("runs", "newest")), None), {})]


def test_show_alone_without_any_sweep_says_so(calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(["sweep", "show"], capsys)[0] == "error: runs: there is no sweep"


# ---- regtune sweep join ----------------------------------------------------------------------------------------------


def test_join_takes_places_of_this_machine(calls: list[Call]) -> None:
    words = ["data.train=/data/tickets.csv", "training.device=cpu", "--workers", "3", "--folder", "here"]

    assert run_command_line(["sweep", "join", *DATABASE, *words]) == 0

    [(arguments, options)] = calls
    assert arguments == ("postgresql+psycopg://me@db/sweeps", "tickets")
    assert options["workers"] == 3
    assert options["folder"] == Path("here")
    assert options["overrides"] == {"data.train": "/data/tickets.csv", "training.device": "cpu"}


def test_join_refuses_everything_that_is_wrong_at_once_and_says_what_is_allowed(
    calls: list[Call], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = failing(["sweep", "join", *DATABASE, "training.epochs=3", "data.trian=x", "model=a", "model=b"], capsys)

    assert lines[0] == (
        "error: command line: training.epochs: is the same for every worker of a sweep, it cannot be set here"
    )
    assert "data.trian: unknown key" in lines[1]
    assert lines[2] == "error: command line: model: set twice"
    assert lines[3] == f"hint: allowed are {', '.join(ALLOWED)}: where things lie on this machine"
    assert calls == []


@pytest.mark.parametrize("missing", ["--storage", "--study"])
def test_join_needs_storage_and_study(calls: list[Call], missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = DATABASE.index(missing)

    assert missing in failing(["sweep", "join", *DATABASE[:place], *DATABASE[place + 2 :]], capsys)[0]


def test_every_key_that_says_where_something_lies_is_allowed() -> None:
    assert list(overrides_here([f"{key}=x" for key in ALLOWED])) == list(ALLOWED)


# ---- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["sweep"], ["sweep", "show"], ["sweep", "join"]])
def test_each_has_help_of_its_own_with_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run_command_line([*words, "--help"])

    out = " ".join(capsys.readouterr().out.split())
    assert f"Usage: regtune {' '.join(words)} [OPTIONS]" in out
    assert f"regtune {' '.join(words)}" in out.partition("Example")[2]


@pytest.mark.parametrize(
    "words", [["--help"], ["show", "--help"], ["join", "--help"], ["join", *DATABASE, "nonsense=1"]]
)
def test_help_and_typos_load_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "regtune", "sweep", *words],
        capture_output=True,
        text=True,
        check=False,
    )

    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert {"typer", "regtune"} <= loaded
    assert not loaded & {"torch", "transformers", "optuna", "sqlalchemy", "ray", "numpy", "matplotlib"}
