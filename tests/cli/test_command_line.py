"""Commands as a user types them: exit codes, one-line errors, nothing left behind. In process, through the border."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from regtune import api
from regtune.cli import app, run_command_line
from regtune.config import dump_config
from regtune.config.schema import Config
from regtune.run import Run

Make = Callable[..., Config]


@pytest.fixture
def config_file(tmp_path: Path, make_config: Make) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(dump_config(make_config()))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One finished run on the demo set, for commands that only read."""
    folder = tmp_path_factory.mktemp("finished")
    text = "{model: tiny, data: {train: 'demo:support', test: 0.2, max_length: 16}, training: {epochs: 1, device: cpu}}"
    (folder / "demo.yaml").write_text(text)
    return api.train(api.load_config(folder / "demo.yaml", [f"output={folder / 'run'}"]), config_name="demo.yaml")


def test_train_exits_with_0_and_writes_a_report(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["train", str(config_file), "training.epochs=1"]) == 0

    out = capsys.readouterr().out
    assert "★ best" in out or "* best" in out
    assert "\x1b" not in out
    assert (tmp_path / "run" / "report.html").exists()
    assert (tmp_path / "run" / "best" / "README.md").exists()


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def failing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """(exit code, lines on stderr); a traceback anywhere fails the test."""
    code = run_command_line(arguments)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return code, captured.err.splitlines()


def test_a_typo_in_the_config_names_file_line_and_the_right_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("data:\n  train: demo:support\nregularization:\n  weigth_decay: 0.1\n  dropout: 1.3\n")

    code, lines = failing(["train", str(path)], capsys)

    assert code == 2
    assert lines[0] == f"error: {path}:4: regularization.weigth_decay: unknown key, did you mean weight_decay?"
    assert lines[1].startswith(f"error: {path}:5: regularization.dropout: ")
    assert "1.3" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train", "missing.yaml"], 2, "missing.yaml"),
        (["train", "a.yaml", "b.yaml"], 2, "one config at a time"),
        (["train", "--resume", "runs/nowhere"], 2, "runs/nowhere: no such run folder"),
        (["trian"], 2, "trian"),
        (["train", "--no-such-option"], 2, "--no-such-option"),
        (["evaluate", "runs/nowhere"], 2, "no such run folder"),
        (["predict", "runs/nowhere", "x.csv"], 2, "--output"),
        (["runs", "nowhere"], 2, "nowhere: no such folder"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, lines = failing(arguments, capsys)

    assert exit_code == code
    assert lines[0].startswith("error: ")
    assert words in lines[0]
    assert len(lines) <= 2


def test_bad_data_exits_with_3_and_leaves_no_run_folder(
    config_file: Path, tmp_path: Path, labelled_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_file.write_text("text,label\nhi, there,fruit\n")

    code, lines = failing(["train", str(config_file)], capsys)

    assert code == 3
    assert f"{labelled_file}:2: " in lines[0]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("is_a_run", [True, False])
def test_an_existing_output_exits_with_2_and_offers_resume_where_it_is_a_run(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], is_a_run: bool
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").write_text("mine")
    if is_a_run:
        (tmp_path / "run" / "run.json").write_text("{}")

    code, lines = failing(["train", str(config_file)], capsys)

    assert code == 2
    assert lines[0] == f"error: output: {tmp_path / 'run'} already exists and is never overwritten"
    assert ("--resume" in lines[1]) is is_a_run
    assert (tmp_path / "run" / "precious.txt").read_text() == "mine"


def test_a_missing_model_exits_with_4(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = failing(["train", str(config_file), "model=no-such/model"], capsys)

    assert code == 4
    assert "no-such/model" in lines[0]


def test_an_unexpected_exception_is_one_line_and_a_file(
    config_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(api, "train", fail)
    code, lines = failing(["train", str(config_file)], capsys)

    assert code == 1
    assert lines[0] == "error: regtune failed unexpectedly: KeyError: 'surprise'"
    crash = Path(lines[1].rpartition(" ")[2])
    assert "Traceback" in crash.read_text()
    crash.unlink()


def test_resume_with_another_setting_is_refused_with_old_and_new(
    finished: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = failing(["train", "--resume", str(finished.path), "training.epochs=7"], capsys)

    assert code == 2
    assert lines[0] == "error: training.epochs: the run was begun with 1, now 7"


def test_resuming_a_finished_run_shows_its_result_again(finished: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["train", "--resume", str(finished.path)]) == 0

    captured = capsys.readouterr()
    assert "accuracy" in captured.out
    assert captured.err == f"{finished.path} is already finished; nothing is trained\n"


@pytest.mark.parametrize("arguments", [[], ["train"], ["evaluate"]])
def test_without_arguments_there_is_help_and_no_error_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_command_line(arguments)

    captured = capsys.readouterr()
    assert "Usage: regtune" in captured.out + captured.err
    assert "error:" not in captured.err


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["--version"]) == 0

    assert re.fullmatch(r"regtune \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_schema_is_json_schema_with_descriptions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["train", "--schema"]) == 0

    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["model"]["description"].startswith("hub id, local folder")


def test_evaluate_scores_the_test_split_as_the_run_did(finished: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["evaluate", str(finished.path), "--json"]) == 0

    result = json.loads(capsys.readouterr().out)
    assert result["split"] == "test"
    assert result["metrics"] == finished.facts["test"]["metrics"]


def test_evaluate_scores_another_file(finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "new.csv"
    rows.write_text("label,text\norder_status,where is it\nrefund_request,money back please\n")

    assert run_command_line(["evaluate", str(finished.path), "--data", str(rows)]) == 0

    assert capsys.readouterr().out.startswith(f"{rows}: 2 rows, 95 % intervals\naccuracy ")


def test_evaluate_needs_no_group_column(make_config: Make, tmp_path: Path, labelled_file: Path) -> None:
    """It keeps splits apart in training; scoring has no use for it."""
    text = labelled_file.read_text().replace("text,label", "text,label,customer")
    numbered = [line if i == 0 else f"{line},{i}" for i, line in enumerate(text.splitlines())]
    labelled_file.write_text("\n".join(numbered) + "\n")
    run = api.train(make_config("data.group=customer", "training.epochs=1"))
    (tmp_path / "new.csv").write_text("text,label\napple pear,fruit\n")

    assert api.evaluate(run.path, data=str(tmp_path / "new.csv"))["rows"] == 1


def test_evaluate_refuses_a_label_the_model_does_not_know(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "new.csv"
    rows.write_text("text,label\nhello,greeting\n")

    code, lines = failing(["evaluate", str(finished.path), "--data", str(rows)], capsys)

    assert code == 3
    assert lines[0] == f"error: {rows}:2: label `greeting` is not one of the 8 classes of the training rows"


def test_predict_writes_input_columns_then_answer_and_probabilities(finished: Run, tmp_path: Path) -> None:
    rows, out = tmp_path / "new.csv", tmp_path / "out.csv"
    rows.write_text("id,text\n01,where is my parcel\n02,=cmd\n")

    assert run_command_line(["predict", str(finished.path), str(rows), "-o", str(out)]) == 0

    answers = read_csv(out)
    labels = [name.removeprefix("prob_") for name in answers[0] if name.startswith("prob_")]
    assert list(answers[0])[:4] == ["id", "text", "prediction", "confidence"]
    assert answers[0]["id"] == "01"
    assert answers[1]["text"] == "'=cmd"  # a spreadsheet must not run it
    assert answers[0]["prediction"] in labels
    assert sum(float(answers[0][f"prob_{name}"]) for name in labels) == pytest.approx(1, abs=1e-5)


def test_predict_in_blocks_equals_predict_at_once(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small blocks, the same answers: nothing depends on the rows around."""
    rows = tmp_path / "new.csv"
    rows.write_text("text\n" + "".join(f"where is parcel {'very ' * (i % 7)}{i}\n" for i in range(50)))
    run_command_line(["predict", str(finished.path), str(rows), "-o", str(tmp_path / "whole.csv")])
    monkeypatch.setattr("regtune.evaluation.predict.ROWS_PER_BLOCK", 7)
    run_command_line(["predict", str(finished.path), str(rows), "-o", str(tmp_path / "blocks.csv")])

    whole, blocks = (read_csv(tmp_path / name) for name in ("whole.csv", "blocks.csv"))
    assert [row["prediction"] for row in blocks] == [row["prediction"] for row in whole]
    assert [float(row["confidence"]) for row in blocks] == pytest.approx([float(row["confidence"]) for row in whole])


def test_predict_takes_jsonl_rows_that_lack_optional_keys(finished: Run, tmp_path: Path) -> None:
    rows, out = tmp_path / "new.jsonl", tmp_path / "out.csv"
    rows.write_text('{"id": 1, "text": "where is it"}\n{"text": "no id here"}\n')

    assert run_command_line(["predict", str(finished.path), str(rows), "-o", str(out)]) == 0

    assert [row["id"] for row in read_csv(out)] == ["1", ""]


def test_predict_never_overwrites(finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, out = tmp_path / "new.csv", tmp_path / "out.csv"
    rows.write_text("text\nhello\n")
    out.write_text("mine")

    code, lines = failing(["predict", str(finished.path), str(rows), "-o", str(out)], capsys)

    assert code == 2
    assert "the file exists and is not overwritten" in lines[0]
    assert out.read_text() == "mine"


def test_predict_without_the_text_column_says_which_it_needs(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "new.csv"
    rows.write_text("id,body\n1,hello\n")

    code, lines = failing(["predict", str(finished.path), str(rows), "-o", str(tmp_path / "out.csv")], capsys)

    assert code == 3
    assert "no column `text`" in lines[0]
    assert not (tmp_path / "out.csv").exists()


def test_predict_on_a_broken_row_writes_nothing(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "new.csv"
    rows.write_text("id,text\n" + "1,hello\n" * 5000 + "2,hi, there\n")

    code, lines = failing(["predict", str(finished.path), str(rows), "-o", str(tmp_path / "out.csv")], capsys)

    assert code == 3
    assert f"{rows}:5002: " in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_runs_lists_name_status_and_test_result(finished: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["runs", str(finished.path.parent)]) == 0

    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["run", "status", "model", "epochs", "val_loss", "val_metric", "test_metric", "metric"]
    assert row.split()[:4] == [str(finished.path), "completed", "tiny", "1"]


def test_runs_lists_a_damaged_run_beside_the_others(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished.path, tmp_path / "good")
    for name, content in (("torn", '{"status": "comp'), ("alien", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(content)

    assert run_command_line(["runs", str(tmp_path)]) == 0

    states = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert states == ["status", "unreadable", "completed", "unreadable"]


def test_damaged_weights_are_named_and_no_bug(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    (tmp_path / "run" / "best" / "model.safetensors").write_bytes(b"12345678 not a tensor")

    code, lines = failing(["evaluate", str(tmp_path / "run")], capsys)

    assert code == 4
    assert lines[0].startswith(f"error: {tmp_path / 'run' / 'best'}: cannot be loaded (")


@pytest.mark.parametrize("arguments", [["runs"], ["train", "--schema"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_one_line_and_exit_4(arguments: list[str], finished: Run) -> None:
    arguments = [*arguments, str(finished.path.parent)] if arguments == ["runs"] else arguments
    command = [sys.executable, "-m", "regtune", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 4
    assert done.stderr == "error: standard output: No space left on device\n"


def test_a_closed_standard_output_is_no_failure(finished: Run) -> None:
    shell = f"{sys.executable} -m regtune runs {finished.path.parent} >&-"

    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_early_is_no_failure(finished: Run) -> None:
    shell = f"set -o pipefail; {sys.executable} -m regtune runs {finished.path.parent} | head -c 3"

    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "run", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_preparation_leaves_nothing_behind(
    config_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from regtune.training import train as training

    monkeypatch.setattr(training, "prepare", lambda config: os.kill(os.getpid(), number))
    exit_code, lines = failing(["train", str(config_file)], capsys)

    assert exit_code == code
    assert lines[0] == "error: interrupted"
    assert not (tmp_path / "run").exists()


def test_doctor_passes_offline_in_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["doctor"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * len(lines)
    assert lines[-1].startswith("ok    self-test: trained, restored and reported offline in ")


@pytest.mark.parametrize(
    "command", [command.callback.__name__ for command in app.registered_commands if command.callback]
)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_command_line([command, "--help"])

    assert f"regtune {command}" in " ".join(capsys.readouterr().out.split()).partition("Example")[2]
