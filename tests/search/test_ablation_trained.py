"""An ablation with real, tiny runs: what an arm changes reaches training, and patience only cuts a curve short."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regtune.config import parse_config
from regtune.config.schema import Config
from regtune.reporting.ablation_table import ablation_lines
from regtune.search.ablation import AblationResult, ablation_result
from regtune.search.arms import ablation_jobs, ablation_settings
from regtune.search.job import Job, job_config
from regtune.search.record import Record
from regtune.search.settings import repetitions
from regtune.training.trial import train_trial
from tests.conftest import make_rows
from tests.search.made_ablation import unfinished


def trained(config: Config, job: Job, folder: Path) -> Record:
    result = train_trial(
        job_config(config, job.changes or {}, job.repetition),
        folder / job.key,
        told=lambda history, step: None,
        checkpoint_seconds=1000.0,
    )
    return replace(
        unfinished(job, "done"), history=result.history, load_answers=lambda: result.answered, host="here", pid=1
    )


@pytest.fixture(scope="module")
def ablation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, list[Record], AblationResult]:
    """Dropout and patience 1, on two seeds: four arms, eight runs of at most five epochs."""
    folder = tmp_path_factory.mktemp("ablation")
    rows = folder / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in make_rows(60)), "utf-8")
    text = f"""
task: text-classification
model: tiny
data: {{train: {rows}, validation: 0.4, max_length: 8}}
regularization: {{dropout: 0.5, weight_decay: 0, patience: 1, smoothing: 0}}
training: {{epochs: 5, batch_size: 12, learning_rate: 5e-2, device: cpu}}
"""
    config = parse_config(text, name="test.yaml")
    repeated = repetitions(ablation_settings(config, folds=None, seeds=2), seed=0)
    records = [trained(config, job, folder) for job in ablation_jobs(config, repeated)]
    return config, records, ablation_result(records, config, repeated=repeated, seed=0)


Trained = tuple[Config, list[Record], AblationResult]


def losses(records: list[Record], key: str) -> list[float]:
    (record,) = (record for record in records if record.job.key == key)
    return [evaluation.validation_loss for evaluation in record.history]


@pytest.mark.parametrize("pair", [("full", "no-patience"), ("no-dropout", "nothing")])
@pytest.mark.parametrize("repetition", ["r0", "r1"])
def test_a_run_with_patience_is_the_beginning_of_the_run_without(
    ablation: Trained, pair: tuple[str, str], repetition: str
) -> None:
    _, records, _ = ablation
    stopped, complete = (losses(records, f"{arm}-{repetition}") for arm in pair)

    assert len(complete) == 5
    assert stopped == complete[: len(stopped)]


def test_dropout_off_is_another_curve(ablation: Trained) -> None:
    _, records, _ = ablation

    assert losses(records, "full-r0")[0] != losses(records, "no-dropout-r0")[0]


def test_every_arm_answered_the_same_rows(ablation: Trained) -> None:
    _, records, result = ablation

    first, *others = [list(record.load_answers().labels) for record in records if record.load_answers]
    assert all(labels == first for labels in others)
    assert result.rows == len(first)


def test_patience_saves_epochs_and_the_text_is_complete(ablation: Trained) -> None:
    _, _, result = ablation

    stopping = result.contributions[1].in_recipe.stopping
    assert stopping is not None
    assert stopping.epochs < stopping.epochs_without == 5
    text = "\n".join(ablation_lines(result, name="test.yaml"))
    assert "ablation of test.yaml: 4 arms × 2 seeds, 8 runs, " in text
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith(("dropout:", "patience:"))] == [
        "dropout",
        "patience",
    ]


def test_patience_never_makes_the_monitored_value_better(ablation: Trained) -> None:
    _, records, _ = ablation

    for stopped, complete in (("full", "no-patience"), ("no-dropout", "nothing")):
        assert min(losses(records, f"{stopped}-r0")) >= min(losses(records, f"{complete}-r0"))
