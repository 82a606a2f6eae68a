"""Repeats: what is planned, what is kept, what goes on after a failure or an interruption. Model tiny throughout."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from regtune import api
from regtune.config import load_config
from regtune.config.schema import Config
from regtune.data.export import escape_formula
from regtune.errors import ConfigError, DataError, Interrupted, OutOfMemory
from regtune.run import Run, list_runs
from regtune.search.repeats import carrying_out as repeats
from regtune.search.repeats.carrying_out import AllFailed
from regtune.search.repeats.folder import RepeatsFolder, open_repeats
from regtune.search.repeats.start import plan_repeats, start
from regtune.training.listener import Listener

Make = Callable[..., Config]
QUICK = ("training.epochs=1", "training.batch_size=24")


class StopAtFirstStep(Listener):
    def on_step(self, step: int, objective: float) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


class Watch:
    """Remembers which runs were begun; stops one of them."""

    def __init__(self, stop: str | None = None) -> None:
        self.begun: list[str] = []
        self.stop = stop

    def __call__(self, name: str, number: int, count: int) -> Sequence[Listener]:
        self.begun.append(name)
        return [StopAtFirstStep()] if name == self.stop else []


def statuses(folder: RepeatsFolder) -> list[str]:
    return [repeat.status for repeat in folder.repeats]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory) -> RepeatsFolder:
    """Three folds of 40 rows and one row of a class of its own, and 8 test rows; for tests that only read."""
    place = tmp_path_factory.mktemp("folded")
    rows = [(f"{'apple' if number % 2 else 'robin'} number {number}", "ab"[number % 2]) for number in range(48)]
    text = "".join(f"{text},{label}\n" for text, label in [*rows, ("=something else", "c")])
    (place / "rows.csv").write_text(f"text,label\n{text}")
    (place / "mine.yaml").write_text(
        f"{{model: tiny, data: {{train: {place / 'rows.csv'}, test: 0.17, max_length: 16}},"
        f" training: {{epochs: 1, device: cpu, seed: 5}}, output: {place / 'group'}}}"
    )
    return api.train_repeats(load_config(place / "mine.yaml"), folds=3, config_name="mine.yaml")


def test_folds_come_first_and_every_run_has_its_own_seed() -> None:
    planned = plan_repeats(seeds=2, folds=2, seed=7)

    assert [one.name for one in planned] == ["fold-1-seed-7", "fold-2-seed-8", "fold-1-seed-9", "fold-2-seed-10"]
    assert [one.name for one in plan_repeats(seeds=1, folds=2, seed=7)] == ["fold-1", "fold-2"]
    assert [one.name for one in plan_repeats(seeds=2, folds=1, seed=7)] == ["seed-7", "seed-8"]


def test_each_fold_is_a_finished_run_with_its_report(folded: RepeatsFolder) -> None:
    runs = [folded.run_of(repeat) for repeat in folded.repeats]

    assert [run.status for run in runs] == ["completed"] * 3
    assert all(run.report_path.exists() for run in runs)
    assert [load_config(run.config_path).data.validation for run in runs] == ["fold:1/3", "fold:2/3", "fold:3/3"]
    assert [load_config(run.config_path).training.seed for run in runs] == [5, 6, 7]
    assert [load_config(run.config_path).split_seed for run in runs] == [5, 5, 5]


@pytest.mark.slow
def test_a_repeat_is_the_run_its_config_describes(folded: RepeatsFolder, tmp_path: Path) -> None:
    run = folded.run_of(folded.repeats[1])

    alone = api.train(load_config(run.config_path, [f"output={tmp_path / 'alone'}"]))

    assert alone.history.last.validation_loss == run.history.last.validation_loss
    assert alone.predictions_path.read_bytes() == run.predictions_path.read_bytes()


def test_figures_are_mean_and_spread_of_the_runs(folded: RepeatsFolder) -> None:
    losses = [folded.run_of(repeat).facts["validation"]["loss"] for repeat in folded.repeats]
    figure = folded.facts["figures"]["validation"]["loss"]

    mean = sum(losses) / 3
    assert figure["mean"] == pytest.approx(mean)
    assert figure["std"] == pytest.approx(math.sqrt(sum((loss - mean) ** 2 for loss in losses) / 2))  # n − 1 = 2
    assert (figure["lowest"], figure["highest"], figure["runs"]) == (min(losses), max(losses), 3)
    assert folded.facts["figures"]["test"]["accuracy"]["runs"] == 3


def test_out_of_fold_has_each_held_out_row_once_in_the_order_of_the_data(folded: RepeatsFolder) -> None:
    rows = read_csv(folded.out_of_fold_path)
    config = load_config(folded.config_path)
    order = [escape_formula(row["text"]) for row in read_csv(Path(config.data.train))]

    texts = [row["text"] for row in rows]
    assert texts == [text for text in order if text in set(texts)]
    assert len(texts) == len(set(texts)) == 40
    assert {row["fold"]: row["seed"] for row in rows} == {"1": "5", "2": "6", "3": "7"}


def test_out_of_fold_rows_are_those_of_the_runs(folded: RepeatsFolder) -> None:
    rows = read_csv(folded.out_of_fold_path)

    for repeat in folded.repeats:
        own = read_csv(folded.run_of(repeat).predictions_path)
        mine = [row for row in rows if row["fold"] == str(repeat.repetition.fold)]
        assert [{name: row[name] for name in own[0]} for row in mine] == own


def test_pooled_metrics_are_those_of_all_rows_together(folded: RepeatsFolder) -> None:
    rows = read_csv(folded.out_of_fold_path)
    pooled = folded.facts["out_of_fold"]

    accuracy = sum(row["prediction"] == row["label"] for row in rows) / 40
    assert pooled["rows"] == 40
    assert pooled["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)
    assert pooled["metrics"]["accuracy"]["low"] < accuracy < pooled["metrics"]["accuracy"]["high"]
    assert pooled["loss"] == pytest.approx(sum(float(row["loss"]) for row in rows) / 40, abs=1e-5)


def test_the_row_that_no_fold_holds_out_is_named(folded: RepeatsFolder) -> None:
    source = load_config(folded.config_path).data.train

    assert folded.facts["out_of_fold"]["notes"] == [f"1 of 41 rows were held out by no finished run: {source}:50"]


def test_the_runs_of_a_group_are_listed_and_evaluated_like_others(folded: RepeatsFolder) -> None:
    listed = [str(run.path.relative_to(folded.path.parent)) for run in list_runs(folded.path.parent)]

    assert listed == ["group/fold-1", "group/fold-2", "group/fold-3"]
    run = folded.run_of(folded.repeats[0])
    assert api.evaluate(run.path)["metrics"] == run.facts["test"]["metrics"]


def test_resuming_finished_repeats_trains_and_writes_nothing(folded: RepeatsFolder) -> None:
    watch, before = Watch(), folded.out_of_fold_path.stat().st_mtime_ns

    api.resume_repeats(folded.path, watch=watch)

    assert watch.begun == []
    assert folded.out_of_fold_path.stat().st_mtime_ns == before


def test_seeds_keep_the_split_and_vary_the_training(make_config: Make) -> None:
    folder = api.train_repeats(make_config(*QUICK, "training.seed=3"), seeds=2)

    runs = [folder.run_of(repeat) for repeat in folder.repeats]
    splits = [run.read_json("data.json")["split"] for run in runs]
    assert [run.name for run in runs] == ["seed-3", "seed-4"]
    assert splits[0] == splits[1]
    assert runs[0].history.last.train_loss != runs[1].history.last.train_loss
    assert folder.facts["out_of_fold"] is None
    assert not folder.out_of_fold_path.exists()


@pytest.mark.slow
def test_the_first_seed_is_the_run_without_the_option(make_config: Make, tmp_path: Path) -> None:
    folder = api.train_repeats(make_config(*QUICK), seeds=2)
    alone = api.train(make_config(*QUICK, f"output={tmp_path / 'alone'}"))

    assert folder.run_of(folder.repeats[0]).history.last.validation_loss == alone.history.last.validation_loss


def test_sigterm_saves_the_run_and_resume_does_only_what_is_missing(make_config: Make, tmp_path: Path) -> None:
    message = "seed-1 interrupted; everything up to step 1 is saved; 1 of 3 runs are finished"
    with pytest.raises(Interrupted, match=message) as caught:
        api.train_repeats(make_config(*QUICK), seeds=3, watch=Watch(stop="seed-1"))
    folder = open_repeats(tmp_path / "run")
    first = folder.run_of(folder.repeats[0]).facts

    assert caught.value.exit_code == 143
    assert caught.value.hint == f"continue with `regtune train --resume {tmp_path / 'run'}`"
    assert folder.facts["status"] == "interrupted"

    watch = Watch()
    api.resume_repeats(folder.path, watch=watch)

    assert watch.begun == ["seed-1", "seed-2"]
    assert statuses(folder) == ["completed"] * 3
    assert folder.run_of(folder.repeats[0]).facts == first
    assert folder.facts["status"] == "completed"


@pytest.fixture
def copied(folded: RepeatsFolder, tmp_path: Path) -> RepeatsFolder:
    """The three folds, free to be changed."""
    return RepeatsFolder(Path(shutil.copytree(folded.path, tmp_path / "copy")))


def test_a_run_that_was_killed_while_it_prepared_is_trained_anew(copied: RepeatsFolder) -> None:
    run = copied.run_of(copied.repeats[1])
    (run.path / "run.json").unlink()

    watch = Watch()
    api.resume_repeats(copied.path, watch=watch)

    assert watch.begun == ["fold-2"]
    assert run.status == "completed"


def test_an_end_that_was_not_noted_is_noted_without_training(copied: RepeatsFolder) -> None:
    copied.record("fold-3", status="waiting")
    copied.update(status="running", out_of_fold=None)

    watch = Watch()
    api.resume_repeats(copied.path, watch=watch)

    assert watch.begun == []
    assert statuses(copied) == ["completed"] * 3
    assert copied.facts["out_of_fold"]["rows"] == 40


def test_changed_data_are_refused(copied: RepeatsFolder) -> None:
    copied.update(data={"train": "the hash of another file"})

    with pytest.raises(DataError, match=r"the data changed since the repeats began \(different: train file\)"):
        api.resume_repeats(copied.path)


def failing_train(failing: set[str]) -> repeats.Train:
    """The real training; runs of these names fail after their first step."""

    def train(config: Config, *, listeners: Sequence[Listener]) -> Run:
        run = Run(Path(config.output or ""))
        if run.name not in failing:
            return api.train(config, listeners=listeners)
        run.path.mkdir()
        run.update(status="failed")
        raise OutOfMemory(f"no room for\n{run.name}")

    return train


def carry_out(config: Config, *, failing: set[str], **counts: int) -> RepeatsFolder:
    folder = start(config, **{"seeds": 1, "folds": 1, **counts})
    repeats.carry_out(folder, train=failing_train(failing), resume=api.resume, watch=Watch())
    return folder


def test_a_failed_run_is_noted_with_its_reason_and_the_others_go_on(make_config: Make) -> None:
    folder = carry_out(make_config(*QUICK), failing={"fold-1"}, folds=2)

    failed, other = folder.repeats
    assert (failed.status, failed.error, failed.exit_code) == ("failed", "no room for fold-1", 6)
    assert other.status == "completed"
    assert folder.facts["figures"]["validation"]["loss"]["std"] is None
    assert folder.facts["out_of_fold"]["notes"][0].startswith("24 of 48 rows were held out by no finished run: ")


def test_all_failed_keeps_the_first_exit_code(make_config: Make, tmp_path: Path) -> None:
    with pytest.raises(AllFailed, match="all 2 runs failed, seed-0 with: no room for seed-0") as caught:
        carry_out(make_config(*QUICK), failing={"seed-0", "seed-1"}, seeds=2)

    assert caught.value.exit_code == 6
    assert open_repeats(tmp_path / "run").facts["status"] == "failed"


@pytest.mark.slow
def test_diverged_runs_are_noted_and_not_begun_again(make_config: Make, tmp_path: Path) -> None:
    explode = ("training.learning_rate=1e20", "regularization.weight_decay=0", "training.warmup=0")
    with pytest.raises(AllFailed, match="all 2 runs failed, seed-0 with: training diverged at step 2") as caught:
        api.train_repeats(make_config(*explode), seeds=2)
    watch = Watch()
    with pytest.raises(AllFailed):
        api.resume_repeats(tmp_path / "run", watch=watch)

    assert caught.value.exit_code == 5
    assert watch.begun == []


def test_ctrl_c_while_a_later_run_prepares_says_how_to_go_on(make_config: Make, tmp_path: Path) -> None:
    def train(config: Config, *, listeners: Sequence[Listener]) -> Run:
        if Path(config.output or "").name == "seed-1":
            raise KeyboardInterrupt
        run = Run(Path(config.output or ""))
        run.path.mkdir()
        run.update(status="completed")
        return run

    folder = start(make_config(*QUICK), seeds=2, folds=1)
    with pytest.raises(Interrupted, match=r"seed-1 interrupted before .*; 1 of 2 runs are finished") as caught:
        repeats.carry_out(folder, train=train, resume=api.resume, watch=Watch())

    assert caught.value.exit_code == 130


def test_ctrl_c_while_the_first_run_prepares_leaves_nothing(make_config: Make, tmp_path: Path) -> None:
    def train(config: Config, *, listeners: Sequence[Listener]) -> Run:
        raise KeyboardInterrupt

    folder = start(make_config(), seeds=2, folds=1)
    with pytest.raises(KeyboardInterrupt):
        repeats.carry_out(folder, train=train, resume=api.resume, watch=Watch())

    assert not (tmp_path / "run").exists()


def test_what_is_wrong_for_all_runs_leaves_nothing_behind(make_config: Make, tmp_path: Path) -> None:
    config = make_config("training.evaluations_per_epoch=900")

    with pytest.raises(ConfigError, match="evaluations_per_epoch"):
        api.train_repeats(config, seeds=2)

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"seeds": 1}, "one run has no spread"),
        ({"seeds": 0, "folds": 3}, r"--seeds: must be from 2 to 100, got 0"),
        ({"folds": 21}, r"--folds: must be from 2 to 20, got 21"),
    ],
)
def test_counts_that_make_no_repeats_are_refused(make_config: Make, counts: dict[str, int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        api.train_repeats(make_config(), **counts)


def test_folds_beside_a_validation_file_are_refused_with_the_reason(make_config: Make, labelled_file: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"--folds: the rows to hold out are given, .* the file .*rows\.csv"
    ) as caught:
        api.train_repeats(make_config(f"data.validation={labelled_file}"), folds=2)
    assert "--seeds" in str(caught.value.hint)


def test_several_processes_are_refused(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError, match="one run after the other in one process, got 2"):
        api.train_repeats(make_config(), seeds=2)


def test_repeats_json_is_strict_json(folded: RepeatsFolder) -> None:
    facts = json.loads((folded.path / "repeats.json").read_text())

    assert (facts["status"], facts["folds"], facts["seeds"], facts["config_name"]) == ("completed", 3, 1, "mine.yaml")
