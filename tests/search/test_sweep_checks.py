"""What a sweep refuses once it knows data, task and model, before it makes a folder; and what it may not prune."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from regtune.errors import ConfigError, EnvironmentFault
from regtune.search.storage.opening import default_url, open_storage
from regtune.search.study.opening import open_study
from regtune.search.study.reading import read_records
from regtune.search.study.run import Crew
from regtune.search.sweep import prepare_sweep, sweep
from regtune.search.sweep_file import load_sweep
from regtune.search.workers.worker import Place, work


def in_this_process(
    place: Place, jobs: int, *, on_tick: Callable[[Crew], None], on_death: Callable[[int], bool]
) -> None:
    """A launcher of one worker."""
    work(place)


@pytest.fixture
def write(tmp_path: Path, labelled_file: Path) -> Callable[..., Path]:
    def write_sweep(section: str, *, data: str | None = None, epochs: int = 1) -> Path:
        path = tmp_path / "sweep.yaml"
        path.write_text(
            f"""
model: tiny
data: {{train: "{data or labelled_file}", validation: 0.25, max_length: 16}}
training: {{epochs: {epochs}, batch_size: 16, learning_rate: 1e-2, device: cpu}}
output: {tmp_path / "out"}
sweep: {section}
""",
            "utf-8",
        )
        return path

    return write_sweep


@pytest.mark.parametrize(
    ("space", "data", "message"),
    [
        ("{data.max_length: [8, 16]}", "demo:letters", "sweep.space.data.max_length: changes which tokens are scored"),
        ("{data.max_length: [8, 16]}", "demo:slots", "sweep.space.data.max_length: changes which words are scored"),
        ("{regularization.smoothing: [0.1, 0.7]}", None, "sweep.space: regularization.smoothing"),
        ("{regularization.smoothing: [0.0, 0.1]}", "demo:urgency", "sweep.space: regularization.smoothing: has no"),
    ],
)
def test_a_value_the_task_cannot_obey_is_refused(
    write: Callable[..., Path], tmp_path: Path, space: str, data: str | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        prepare_sweep(load_sweep(write(f"{{space: {space}}}", data=data)), study_name=None)

    assert not (tmp_path / "out").exists()


def test_a_model_that_cannot_be_loaded_is_refused_before_a_trial_needs_it(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    file = load_sweep(write("{space: {model: [tiny, ./no-such-model]}}"))

    with pytest.raises((ConfigError, EnvironmentFault), match="no-such-model"):
        prepare_sweep(file, study_name=None)

    assert not (tmp_path / "out").exists()


def test_more_trials_may_be_asked_for_where_confirm_was_never_written(write: Callable[..., Path]) -> None:
    first = prepare_sweep(load_sweep(write("{trials: 6}")), study_name=None)
    first.open()

    more = prepare_sweep(load_sweep(write("{trials: 12}")), study_name=None)

    assert more.open().user_attrs["regtune"]["settings"]["trials"] == 12


def test_fewer_trials_are_refused(write: Callable[..., Path]) -> None:
    prepare_sweep(load_sweep(write("{trials: 6}")), study_name=None).open()
    fewer = prepare_sweep(load_sweep(write("{trials: 5}")), study_name=None)

    with pytest.raises(ConfigError, match="has 6 trials, cannot go on with 5"):
        fewer.open()


def test_a_study_of_something_else_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    import optuna

    prepared = prepare_sweep(load_sweep(write("{trials: 6}")), study_name="mine")
    storage = open_storage(default_url(tmp_path))
    optuna.create_study(storage=storage, study_name="mine")

    with pytest.raises(ConfigError, match="study mine: is not one of regtune's"):
        open_study(storage, "mine", prepared.facts)


def test_only_what_the_sampler_chose_is_pruned(write: Callable[..., Path]) -> None:
    """With a pruner that ends every trial it may end, at its first evaluation."""
    settings = "{trials: 4, confirm: 2, folds: 2, pruner: median, space: {regularization.dropout: [0.1, 0.2, 0.3]}}"
    prepared = prepare_sweep(load_sweep(write(settings, epochs=2)), study_name=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optuna.Trial.should_prune", lambda trial: True)
        result, _ = sweep(prepared, launch=in_this_process, watch=lambda board: None)

    statuses = {record.job.key: record.status for record in read_records(prepared.open())}
    assert statuses == {
        "own-r0": "done",
        "off-r0": "done",
        "002-r0": "pruned",
        "003-r0": "pruned",
        "own-r1": "done",
        "off-r1": "done",
    }
    assert "widened for the best of 4" in result.verdict.sentence or result.verdict.best == "own"
