"""An ablation from its config to its result, with tiny runs through the real queue and worker, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from regtune.config import parse_config
from regtune.config.schema import Config
from regtune.errors import ConfigError
from regtune.reporting.ablation.table import ablation_lines
from regtune.search.ablation.folder import ablation_folder
from regtune.search.ablation.result import AblationResult
from regtune.search.ablation.study import ablate, prepare_ablation
from regtune.search.storage.opening import default_url, open_storage
from regtune.search.study.opening import find_study
from regtune.search.study.reading import read_records
from regtune.search.study.record import Record
from regtune.search.study.run import Crew
from regtune.search.workers.worker import Place, work
from tests.conftest import make_rows

Make = Callable[..., Config]


class InThisProcess:
    """A launcher of one worker. It counts how often it was asked."""

    started = 0

    def __call__(
        self, place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]
    ) -> None:
        self.started += 1
        work(place)


def run(config: Config, launch: InThisProcess, **options: int | None) -> AblationResult:
    named = {"folds": None, "seeds": 1, **options}
    prepared = prepare_ablation(config, config_name="test.yaml", storage=None, **named)
    return ablate(prepared, launch=launch, watch=lambda board: None)


@dataclass
class Done:
    config: Config
    launch: InThisProcess
    result: AblationResult
    folder: Path

    @property
    def records(self) -> list[Record]:
        return read_records(find_study(open_storage(default_url(self.folder)), self.folder.name))

    def losses(self, key: str) -> list[float]:
        (record,) = (record for record in self.records if record.job.key == key)
        return [evaluation.validation_loss for evaluation in record.history]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Dropout and patience 1, on one seed: four arms, four runs of at most five epochs."""
    folder = tmp_path_factory.mktemp("ablation")
    rows = folder / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in make_rows(60)), "utf-8")
    text = f"""
model: tiny
data: {{train: {rows}, validation: 0.4, max_length: 8}}
regularization: {{dropout: 0.5, weight_decay: 0, patience: 1, smoothing: 0}}
training: {{epochs: 5, batch_size: 12, learning_rate: 5e-2, device: cpu}}
output: {folder / "small"}
"""
    config, launch = parse_config(text, name="test.yaml"), InThisProcess()
    return Done(config, launch, run(config, launch), folder / "small-ablation")


@pytest.mark.parametrize("pair", [("full", "no-patience"), ("no-dropout", "nothing")])
def test_a_run_with_patience_is_the_beginning_of_the_run_without(done: Done, pair: tuple[str, str]) -> None:
    stopped, complete = (done.losses(f"{arm}-r0") for arm in pair)

    assert len(complete) == 5
    assert stopped == complete[: len(stopped)]


def test_patience_never_makes_the_monitored_value_better(done: Done) -> None:
    for stopped, complete in (("full-r0", "no-patience-r0"), ("no-dropout-r0", "nothing-r0")):
        assert min(done.losses(stopped)) >= min(done.losses(complete))


def test_dropout_off_is_another_curve(done: Done) -> None:
    assert done.losses("full-r0")[0] != done.losses("no-dropout-r0")[0]


def test_every_arm_has_finished_and_is_compared(done: Done) -> None:
    assert [(arm.name, arm.finished) for arm in done.result.arms] == [
        ("full", 1),
        ("no dropout", 1),
        ("no patience", 1),
        ("nothing", 1),
    ]
    assert done.result.comparisons == 2 * 3 * 2
    assert done.result.rows == 24  # 0.4 of 60


def test_patience_saves_training_and_the_text_is_complete(done: Done) -> None:
    stopping = done.result.contributions[1].in_recipe.stopping

    assert stopping is not None
    assert stopping.epochs < stopping.epochs_without == 5
    text = "\n".join(ablation_lines(done.result, name="test.yaml"))
    assert "ablation of test.yaml: 4 arms × 1 seed, 4 runs, 24 validation rows" in text


def test_the_same_ablation_again_trains_nothing_and_finds_the_same(done: Done) -> None:
    again = InThisProcess()

    result = run(done.config, again)

    assert (done.launch.started, again.started) == (1, 0)
    assert result == done.result
    assert (done.folder / "result.json").read_text("utf-8") == result.to_json()


def test_other_repetitions_are_refused_under_the_same_name(done: Done) -> None:
    with pytest.raises(ConfigError, match="was begun with 1, now 3"):
        run(done.config, InThisProcess(), seeds=3)


def test_with_every_technique_off_nothing_is_made(make_config: Make, tmp_path: Path) -> None:
    off = ("dropout=0", "weight_decay=0", "patience=null", "smoothing=0")
    config = make_config(*(f"regularization.{technique}" for technique in off))

    with pytest.raises(ConfigError, match="every technique is off"):
        run(config, InThisProcess())

    assert not (tmp_path / "run-ablation").exists()


def test_an_ablation_lies_beside_the_run_of_its_config(make_config: Make) -> None:
    config = make_config()

    assert ablation_folder(config, config_name="a.yaml") == Path(f"{config.output}-ablation")
    without = config.model_copy(update={"output": None})
    assert ablation_folder(without, config_name="configs/my set.yaml") == Path("runs/my-set-ablation")
