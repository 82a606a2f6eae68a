"""Interrupted runs end as if nobody had interrupted them, or say why they cannot."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from regtune.config import dump_config
from regtune.config.changes import anchored, refuse_changes
from regtune.config.schema import Config
from regtune.errors import ConfigError, DataError, EnvironmentFault, Interrupted
from regtune.history import History
from regtune.run import open_run
from regtune.training.listener import Listener
from regtune.training.train import resume, train

HARNESS = Path(__file__).with_name("kill_harness.py")
Make = Callable[..., Config]


class StopAfter(Listener):
    """Sends this process a signal after a step, as a terminal or a scheduler would."""

    def __init__(self, step: int, number: signal.Signals = signal.SIGINT) -> None:
        self.at, self.number = step, number

    def on_step(self, step: int, objective: float) -> None:
        if step == self.at:
            os.kill(os.getpid(), self.number)


def without_clock(history: History) -> list[dict[str, object]]:
    return [{**json.loads(e.to_json()), "elapsed_seconds": 0} for e in history]


def interrupt(config: Config, step: int, number: signal.Signals = signal.SIGINT) -> Interrupted:
    with pytest.raises(Interrupted) as caught:
        train(config, listeners=[StopAfter(step, number)])
    return caught.value


def test_sigkill_at_random_moments_then_resume_gives_bit_identical_weights(tmp_path: Path, make_config: Make) -> None:
    """Dropout on, several evaluations and saves per epoch; some kills land inside a save."""
    config = tmp_path / "config.yaml"
    config.write_text(
        dump_config(
            make_config("training.epochs=3", "training.evaluations_per_epoch=3", "regularization.patience=null")
        )
    )
    command = [sys.executable, str(HARNESS), str(tmp_path), str(config)]
    planned = runpy.run_path(str(HARNESS))

    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["killed"] + result["too_late"] == planned["KILLS"]
    assert result["too_late"] <= 3
    assert result["killed_inside_a_save"] >= len(planned["FATAL_CALLS"])
    assert result["identical"] == result["killed"]
    assert result["leftovers"] == 0


@pytest.mark.parametrize("step", [1, 6, 8, 11])  # first step, an evaluation, mid-epoch, another epoch
def test_ctrl_c_saves_at_the_step_boundary_and_resume_is_exact(make_config: Make, tmp_path: Path, step: int) -> None:
    undisturbed = train(make_config(f"output={tmp_path / 'undisturbed'}"))

    error = interrupt(make_config(), step)
    run = resume(open_run(tmp_path / "run"))

    assert error.exit_code == 130
    assert str(error) == f"interrupted; everything up to step {step} is saved"
    assert error.hint == f"continue with `regtune train --resume {tmp_path / 'run'}`"
    assert without_clock(run.history) == without_clock(undisturbed.history)
    assert (run.best_path / "model.safetensors").read_bytes() == (
        undisturbed.best_path / "model.safetensors"
    ).read_bytes()


def test_sigterm_exits_with_143_and_says_so_in_the_run(make_config: Make, tmp_path: Path) -> None:
    error = interrupt(make_config(), 2, signal.SIGTERM)

    assert error.exit_code == 143
    assert open_run(tmp_path / "run").status == "interrupted"


def test_accumulation_and_length_grouping_resume_exactly_in_mid_epoch(make_config: Make, tmp_path: Path) -> None:
    settings = ("training.accumulation=2", "training.batch_size=4", "training.epochs=3")
    undisturbed = train(make_config(*settings, f"output={tmp_path / 'undisturbed'}"))

    interrupt(make_config(*settings), 7)
    run = resume(open_run(tmp_path / "run"))

    assert without_clock(run.history) == without_clock(undisturbed.history)


def test_decay_towards_pretrained_weights_resumes_exactly(
    make_config: Make, tmp_path: Path, saved_tiny_model: Path
) -> None:
    """The anchor is the model the run began with, not the checkpoint."""
    settings = (
        f"model={saved_tiny_model}",
        "regularization.weight_decay_target=pretrained",
        "regularization.weight_decay=5.0",
    )
    undisturbed = train(make_config(*settings, f"output={tmp_path / 'undisturbed'}"))

    interrupt(make_config(*settings), 7)
    run = resume(open_run(tmp_path / "run"))

    assert without_clock(run.history) == without_clock(undisturbed.history)


@pytest.mark.parametrize("step", [19, 24])  # after three evaluations; before the evaluation that will stop the run
def test_patience_survives_the_interruption(make_config: Make, tmp_path: Path, step: int) -> None:
    """A learning rate of nearly zero never improves by min_delta, so the run stops after evaluation 1 + patience."""
    settings = (
        "training.epochs=8",
        "training.learning_rate=1e-9",
        "regularization.min_delta=0.5",
        "regularization.patience=3",
    )
    interrupt(make_config(*settings), step)

    run = resume(open_run(tmp_path / "run"))

    assert [e.patience_used for e in run.history] == [0, 1, 2, 3]
    assert run.history.last.stops
    assert run.facts["stopped_because"] == "patience"


def test_a_completed_run_does_not_train_on(make_config: Make, tmp_path: Path) -> None:
    run = train(make_config())
    before = run.history_path.read_bytes(), (run.path / "run.json").read_bytes()

    resume(run)

    assert (run.history_path.read_bytes(), (run.path / "run.json").read_bytes()) == before


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(make_config: Make, tmp_path: Path) -> None:
    undisturbed = train(make_config(f"output={tmp_path / 'undisturbed'}"))
    interrupt(make_config(), 8)
    weights = tmp_path / "run" / "checkpoints" / "step-00000008" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))

    run = resume(open_run(tmp_path / "run"))

    assert any("step-00000008: model.safetensors was altered" in note for note in run.facts["notes"])
    assert without_clock(run.history) == without_clock(undisturbed.history)


def test_without_any_intact_checkpoint_it_starts_from_the_first_step(make_config: Make, tmp_path: Path) -> None:
    undisturbed = train(make_config(f"output={tmp_path / 'undisturbed'}"))
    interrupt(make_config(), 2)
    shutil.rmtree(tmp_path / "run" / "checkpoints")

    run = resume(open_run(tmp_path / "run"))

    assert without_clock(run.history) == without_clock(undisturbed.history)


def test_a_run_moved_to_another_folder_resumes(make_config: Make, tmp_path: Path) -> None:
    interrupt(make_config(), 8)
    shutil.copytree(tmp_path / "run", tmp_path / "elsewhere" / "run")

    run = resume(open_run(tmp_path / "elsewhere" / "run"))

    assert run.status == "completed"


def test_changed_data_is_refused(make_config: Make, tmp_path: Path, labelled_file: Path) -> None:
    interrupt(make_config(), 2)
    labelled_file.write_text(labelled_file.read_text() + "a new apple,fruit\n")

    with pytest.raises(DataError, match=r"the data changed since the run began \(different: train file, split\)"):
        resume(open_run(tmp_path / "run"))


def test_changed_settings_are_refused_with_old_and_new(make_config: Make) -> None:
    with pytest.raises(ConfigError, match=r"training\.epochs: the run was begun with 2, now 30"):
        refuse_changes(make_config(), make_config("training.epochs=30"), run="runs/x")


def test_the_config_the_run_was_begun_with_is_no_change(
    make_config: Make, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run keeps absolute paths; the user's config has the relative ones it was written with."""
    monkeypatch.chdir(labelled_file.parent)
    asked = make_config(f"data.train={labelled_file.name}")

    refuse_changes(anchored(asked), asked, run="runs/x")


def test_output_is_no_setting_of_the_training(make_config: Make) -> None:
    refuse_changes(make_config(), make_config("output=elsewhere"), run="runs/x")


def test_a_run_in_use_is_refused_naming_the_process(make_config: Make, tmp_path: Path) -> None:
    interrupt(make_config(), 2)
    run = open_run(tmp_path / "run")

    with run.locked(), pytest.raises(EnvironmentFault, match=f"in use by process {os.getpid()} on "):
        resume(run)


@pytest.mark.parametrize(
    ("source", "kept"),
    [("part-*.csv", "{here}/part-*.csv"), ("demo:support", "demo:support"), ("hf:a/b:c@train", "hf:a/b:c@train")],
)
def test_a_kept_config_finds_its_data_from_anywhere(
    make_config: Callable[..., Config], source: str, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert anchored(make_config(f"data.train={source}")).data.train == kept.format(here=tmp_path)
