"""One whole run on the tiny model: what is written, what is measured, what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from regtune.config import load_config
from regtune.config.schema import Config
from regtune.errors import ConfigError, DivergedError, EnvironmentFault, OutOfMemory
from regtune.history import History
from regtune.run import open_run
from regtune.training import preflight
from regtune.training.listener import Listener, Plan
from regtune.training.setup import prepare
from regtune.training.train import memory_guard, train

Make = Callable[..., Config]


class Watch(Listener):
    """Remembers everything it is told."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.objectives: list[float] = []
        self.evaluations: list[int] = []
        self.ended = 0

    def on_start(self, plan: Plan) -> None:
        self.plans.append(plan)

    def on_step(self, step: int, objective: float) -> None:
        self.objectives.append(objective)

    def on_evaluation(self, history: History) -> None:
        self.evaluations.append(history.last.step)

    def on_end(self) -> None:
        self.ended += 1


def test_the_run_folder_holds_what_the_design_lists(make_config: Make) -> None:
    run = train(make_config())

    names = {path.name for path in run.path.iterdir()} - {".lock"}
    files = {"config.yaml", "environment.json", "data.json", "history.jsonl", "predictions.csv", "run.json", "best"}
    assert names == files  # report.html is written from these by regtune.api


def test_the_best_model_loads_with_plain_transformers_and_knows_its_labels(make_config: Make) -> None:
    run = train(make_config())

    model = transformers.AutoModelForSequenceClassification.from_pretrained(run.best_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(run.best_path)

    assert model.config.id2label == {0: "bird", 1: "fruit", 2: "tool"}
    assert model(**tokenizer("apple pear", return_tensors="pt")).logits.shape == (1, 3)


def test_the_best_model_is_as_readable_as_the_other_files(make_config: Make) -> None:
    run = train(make_config("training.epochs=1"))

    modes = {path.stat().st_mode & 0o777 for path in [*run.best_path.iterdir(), run.config_path]}
    assert len(modes) == 1


def test_the_restored_model_re_evaluates_to_the_recorded_best(make_config: Make) -> None:
    run = train(make_config("training.epochs=4"))

    assert run.facts["restored_equal"] is True
    assert run.facts["validation"]["loss"] == run.history.best.validation_loss  # type: ignore[union-attr]


def test_the_best_weights_are_those_of_the_best_evaluation_and_not_the_last(make_config: Make) -> None:
    """Validation loss rises after its best when a model memorises; the restored one must be the earlier."""
    run = train(make_config("training.epochs=30", "training.learning_rate=3e-2", "regularization.patience=4"))
    best, last = run.history.best, run.history.last

    assert best is not None
    assert run.facts["stopped_because"] == "patience"
    assert last.patience_used == 4
    assert best.step < last.step
    assert run.facts["validation"]["loss"] == best.validation_loss < last.validation_loss


def test_looking_changes_nothing(make_config: Make, tmp_path: Path) -> None:
    """Evaluating three times an epoch instead of once leaves every step's objective bit-equal, dropout on."""
    once, often = Watch(), Watch()
    train(make_config(f"output={tmp_path / 'once'}"), listeners=[once])
    train(make_config(f"output={tmp_path / 'often'}", "training.evaluations_per_epoch=3"), listeners=[often])

    assert len(often.evaluations) == 3 * len(once.evaluations)
    assert often.objectives == once.objectives


def test_validation_loss_of_equal_weights_is_the_same_whatever_the_smoothing(make_config: Make, tmp_path: Path) -> None:
    """A learning rate of 1e-30 leaves the weights as they are; only the objective may see the smoothing."""
    runs = [
        train(
            make_config(f"output={tmp_path / name}", "training.learning_rate=1e-30", f"regularization.smoothing={name}")
        )
        for name in ("0", "0.3")
    ]
    plain, smoothed = (run.history.last for run in runs)

    assert smoothed.validation_loss == plain.validation_loss
    assert smoothed.train_loss == plain.train_loss
    assert smoothed.objective != plain.objective


def test_with_every_technique_at_zero_the_objective_is_the_plain_cross_entropy(make_config: Make) -> None:
    """Of the first step: transformers' own loss on the same batch, the untouched model in eval mode."""
    off = ["regularization.dropout=0", "regularization.weight_decay=0", "regularization.smoothing=0"]
    config = make_config(*off, "regularization.patience=null")
    watch = Watch()
    train(config, listeners=[watch])
    setup = prepare(config)

    batch = setup.scorer.collate([setup.train[row] for row in next(iter(setup.batches))])
    loss = setup.loaded.model.eval()(**batch).loss  # transformers' own loss, no dropout

    assert watch.objectives[0] == pytest.approx(loss.item(), rel=1e-6)


def test_listeners_hear_the_plan_every_step_every_evaluation_and_one_end(make_config: Make) -> None:
    watch = Watch()
    train(make_config(), listeners=[watch])

    assert watch.plans[0].rows == {"train": 36, "validation": 12, "test": 12}
    assert watch.plans[0].steps == len(watch.objectives) == 12  # 36 / 6 = 6 steps per epoch, 2 epochs
    assert watch.evaluations == [6, 12]
    assert watch.ended == 1


def test_the_effect_says_what_was_counted(make_config: Make) -> None:
    effect = train(make_config("training.epochs=5", "training.warmup=0", "training.schedule=constant")).facts["effect"]
    kinds = [site["kind"] for site in effect["dropout_sites"] if site["probability"] > 0]

    assert kinds.count("attention_output") == kinds.count("feed_forward") == 2  # the tiny model's two layers
    assert kinds.count("classifier") == 1
    assert effect["total_shrink"] == pytest.approx(1 - (1 - 1e-3 * 0.01) ** 30)  # 30 steps at a constant 1e-3
    assert (effect["smoothing"], effect["classes"]) == (0.1, 3)
    assert effect["earliest_stop_epoch"] == 4.0  # the first evaluation is the best, then patience 3


def test_patience_that_runs_out_at_the_last_evaluation_has_stopped_nothing(make_config: Make) -> None:
    """Nothing improves by 0.5: misses at evaluations 2 and 3, and evaluation 3 is the last one planned."""
    run = train(make_config("training.epochs=3", "regularization.patience=2", "regularization.min_delta=0.5"))

    assert run.facts["effect"]["earliest_stop_epoch"] is None
    assert run.history.last.patience_used == 2
    assert not run.history.last.stops
    assert run.facts["stopped_because"] == "epochs"


def test_the_stored_config_trains_the_same_run_again(make_config: Make, tmp_path: Path) -> None:
    first = train(make_config())
    stored = load_config(first.config_path, [f"output={tmp_path / 'again'}"])

    again = train(stored)

    assert [e.validation_loss for e in again.history] == [e.validation_loss for e in first.history]


def test_a_second_run_in_the_same_process_is_not_disturbed_by_the_first(make_config: Make, tmp_path: Path) -> None:
    first = train(make_config(f"output={tmp_path / 'first'}"))
    torch.manual_seed(12345)

    second = train(make_config(f"output={tmp_path / 'second'}"))

    assert second.history.last.validation_loss == first.history.last.validation_loss


def test_bfloat16_trains_on_a_cpu_and_stays_measurable(make_config: Make) -> None:
    run = train(make_config("training.precision=bfloat16"))

    assert run.status == "completed"
    assert math.isfinite(run.history.last.validation_loss)


def test_a_tracker_gets_the_clean_losses(make_config: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))

    run = train(make_config("training.report_to=[tensorboard]"))

    board = event_accumulator.EventAccumulator(str(tmp_path / "board")).Reload()
    tags = {tag for tag in board.Tags()["scalars"] if "clean_loss" in tag}
    assert len(tags) == 2
    values = [event.value for event in board.Scalars(next(tag for tag in tags if "eval" in tag))]
    assert values == pytest.approx([e.validation_loss for e in run.history])


def test_divergence_ends_the_run_before_the_step_and_keeps_the_last_good_weights(make_config: Make) -> None:
    """The first step has learning rate 0 (warm-up), so one evaluation is good; the next step explodes."""
    explode = ("training.learning_rate=1e20", "regularization.weight_decay=0", "training.warmup=0.5")
    with pytest.raises(DivergedError, match=r"training diverged at step [23]: .*learning rate") as caught:
        train(make_config(*explode, "training.evaluations_per_epoch=6"))

    run = open_run(Path(make_config().output or ""))
    assert caught.value.exit_code == 5
    assert run.status == "diverged"
    assert run.facts["test"] is None
    weights = transformers.AutoModelForSequenceClassification.from_pretrained(run.best_path).state_dict()
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_a_non_finite_objective_is_not_stepped_on(make_config: Make) -> None:
    """Found in the gradient norm, between backward and AdamW's step: the weights are still finite."""
    explode = ("training.learning_rate=1e20", "regularization.weight_decay=0", "training.warmup=0")
    with pytest.raises(DivergedError, match=r"training diverged at step 2: objective .*that step was not made"):
        train(make_config(*explode))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_out_of_memory_names_the_batch_and_an_equal_setting_that_fits(make_config: Make, error: Exception) -> None:
    with (
        pytest.raises(OutOfMemory, match=r"batches of 6 rows × up to 16 tokens did not fit") as caught,
        memory_guard(make_config()),
    ):
        raise error

    assert caught.value.exit_code == 6
    assert "training.batch_size=3 training.accumulation=2" in (caught.value.hint or "")


def test_another_runtime_error_is_not_called_out_of_memory(make_config: Make) -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_guard(make_config()):
        raise RuntimeError("shape mismatch")


def test_too_little_disk_is_found_before_the_first_step(
    make_config: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: usage)

    with pytest.raises(EnvironmentFault, match=r"has 1 MB free, this run needs up to \d+ MB"):
        train(make_config())

    assert not (tmp_path / "run").exists()


def test_more_evaluations_than_steps_are_refused_and_nothing_is_left(make_config: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"evaluations_per_epoch: 50 is more than the 6 optimizer steps of an epoch"):
        train(make_config("training.evaluations_per_epoch=50"))

    assert not (tmp_path / "run").exists()


def test_an_existing_run_is_never_overwritten(make_config: Make, tmp_path: Path) -> None:
    run = train(make_config())
    before = (run.path / "run.json").read_bytes()

    with pytest.raises(ConfigError, match="already exists and is never overwritten"):
        train(make_config())

    assert (run.path / "run.json").read_bytes() == before


def test_without_output_runs_are_numbered(make_config: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    config = make_config("output=null", "training.epochs=1")

    names = [train(config, config_name="configs/mine.yaml").path.as_posix() for _ in range(2)]

    assert names == ["runs/mine", "runs/mine-2"]


def test_no_secret_of_the_environment_reaches_the_run_folder(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary_in_a_coal_mine")

    run = train(make_config())

    contents = [path.read_bytes() for path in run.path.rglob("*") if path.is_file()]
    assert not any(b"canary" in content for content in contents)


def test_json_files_are_strict(make_config: Make) -> None:
    run = train(make_config())

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for path in run.path.glob("*.json*"):
        for line in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
            json.loads(line, parse_constant=refuse)
