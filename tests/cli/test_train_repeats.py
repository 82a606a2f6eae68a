"""`regtune train --seeds` and `--folds` as a user types them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from regtune.cli import run_command_line
from regtune.config import dump_config
from regtune.config.schema import Config

TEXT = (
    "{{model: tiny, data: {{train: {data}, max_length: 16}},"
    " training: {{epochs: 1, batch_size: 24, device: cpu}}, output: {output}}}"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two seeds, trained by the command."""
    place = tmp_path_factory.mktemp("repeats")
    rows = "".join(f"{'apple' if number % 2 else 'robin'} {number},{'ab'[number % 2]}\n" for number in range(30))
    (place / "rows.csv").write_text(f"text,label\n{rows}")
    (place / "mine.yaml").write_text(TEXT.format(data=place / "rows.csv", output=place / "group"))
    assert run_command_line(["train", str(place / "mine.yaml"), "--seeds", "2"]) == 0
    return place / "group"


def failing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    code = run_command_line(arguments)
    return code, capsys.readouterr().err.splitlines()


def test_resuming_finished_repeats_shows_the_table_again(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["train", "--resume", str(finished)]) == 0

    out = capsys.readouterr().out
    assert re.search(r"^finished +2 of 2 runs$", out, re.MULTILINE)
    assert re.search(r"^ +loss +0\.\d{4} ± 0\.\d{4}  0\.\d{4}  0\.\d{4}$", out, re.MULTILINE)
    assert "★ best" not in out


def test_each_run_is_announced_and_has_its_table(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Path(shutil.copytree(finished, tmp_path / "copy"))
    shutil.rmtree(group / "seed-1")

    assert run_command_line(["train", "--resume", str(group), "--seeds", "2"]) == 0

    captured = capsys.readouterr()
    assert "run 2 of 2: seed-1" in captured.err
    assert "run 1 of 2" not in captured.err
    assert "★ best" in captured.out


def test_the_runs_inside_are_listed(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["runs", str(finished.parent)]) == 0

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        str(finished / "seed-0"),
        str(finished / "seed-1"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "3"], "--seeds: {group} was begun with 2, now 3"),
        (["--folds", "5"], "--folds: {group} was begun with 1, now 5"),
        (["training.epochs=7"], "training.epochs: the run was begun with 1, now 7"),
    ],
)
def test_resuming_with_other_settings_is_refused(
    finished: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = failing(["train", "--resume", str(finished), *arguments], capsys)

    assert code == 2
    assert words.format(group=finished) in lines[0]


def test_a_single_run_is_not_resumed_with_seeds(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = failing(["train", "--resume", str(finished / "seed-0"), "--seeds", "2"], capsys)

    assert code == 2
    assert lines == [f"error: command line: --seeds and --folds start new runs, {finished / 'seed-0'} is a single one"]


def test_an_existing_group_offers_resume(
    finished: Path, make_config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text(dump_config(make_config(f"output={finished}")))

    code, lines = failing(["train", str(tmp_path / "c.yaml"), "--folds", "2"], capsys)

    assert code == 2
    assert f"or continue it with `regtune train --resume {finished}`" in lines[1]


@pytest.mark.parametrize("option", ["--seeds", "--folds"])
def test_one_run_is_no_repeat(
    make_config: Callable[..., Config], tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text(dump_config(make_config()))

    code, lines = failing(["train", str(tmp_path / "c.yaml"), option, "1"], capsys)

    assert code == 2
    assert lines[0].endswith("one run has no spread, at least one must be 2 or more")
    assert not (tmp_path / "run").exists()
