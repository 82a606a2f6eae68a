"""Several processes give the run that one gives: the same curve, split, stop and weights, written and told once.

The runs are made once, by processes_harness.py; the facts about them are told here, one by one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from regtune.data.batches import LengthGroupedBatches
from regtune.errors import EnvironmentFault, Interrupted
from regtune.history import Evaluation
from regtune.run import Run
from regtune.training import gradients
from regtune.training.contact import ContactLost, contact, portable, restored
from regtune.training.launch import Place, is_spoken_here, let_others_speak, read_place
from regtune.training.processes import Processes
from regtune.training.shares import ShareCollator, ShareOfBatches
from tests.conftest import make_rows

# One worker of pytest-xdist makes the runs, not each (with --dist loadgroup).
pytestmark = pytest.mark.xdist_group("processes")

HARNESS = Path(__file__).with_name("processes_harness.py")
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",  # per process; launchers ask for it on standard error otherwise
    "PYTHONPATH": os.pathsep.join(sys.path),
}
TOLERANCE = 1e-4  # relative: sums in another order, over some 60 steps


@pytest.fixture(scope="module")
def config_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stops early, after 11 of 30 epochs; the last batch of an epoch has one row."""
    folder = tmp_path_factory.mktemp("processes")
    rows = "".join(f"{text},{label}\n" for text, label in make_rows(60))
    (folder / "rows.csv").write_text("text,label\n" + rows, "utf-8")
    path = folder / "config.yaml"
    path.write_text(
        f"""
model: tiny
data: {{train: {folder / "rows.csv"}, validation: 0.2, test: 0.2, max_length: 16}}
regularization: {{dropout: 0, weight_decay: 0.01, patience: 2, smoothing: 0.1}}
training: {{epochs: 30, batch_size: 7, learning_rate: 3e-3, device: cpu}}
""",
        "utf-8",
    )
    return path


@pytest.fixture(scope="module")
def results(config_path: Path) -> dict[str, Any]:
    folder = config_path.parent
    (folder / "scratch").mkdir()
    environment = {**ENVIRONMENT, "TMPDIR": str(folder / "scratch")}
    subprocess.run([sys.executable, str(HARNESS), str(folder), str(config_path)], check=True, env=environment)
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return results


def pair(results: dict[str, Any]) -> list[Run]:
    """The run of one process, and that of two."""
    return [Run(Path(results["one"])), Run(Path(results["two"][0]["value"]))]


# ---- one run, one process or two -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["train_loss", "validation_loss", "objective"])
def test_two_processes_give_the_curve_of_one(results: dict[str, Any], name: str) -> None:
    curves = [[getattr(evaluation, name) for evaluation in run.history] for run in pair(results)]

    assert curves[1] == pytest.approx(curves[0], rel=TOLERANCE)


def test_two_processes_evaluate_judge_and_stop_as_one_does(results: dict[str, Any]) -> None:
    def judged(evaluation: Evaluation) -> tuple[object, ...]:
        e = evaluation
        return e.step, e.epoch, e.learning_rate, e.patience_used, e.is_best, e.stops

    one, two = ([judged(evaluation) for evaluation in run.history] for run in pair(results))

    assert two == one
    assert two[-1][-1] is True, "the config no longer stops early"


def test_two_processes_end_with_the_weights_of_one(results: dict[str, Any]) -> None:
    one, two = (load_file(run.best_path / "model.safetensors") for run in pair(results))

    assert all(torch.allclose(two[name], one[name], rtol=1e-2, atol=1e-4) for name in one)


def test_two_processes_split_alike(results: dict[str, Any]) -> None:
    one, two = (run.read_json("data.json") for run in pair(results))

    assert two == one


def test_two_processes_score_every_row_once(results: dict[str, Any]) -> None:
    one, two = pair(results)
    rows = [[line.split(",")[0] for line in run.predictions_path.read_text().splitlines()] for run in (one, two)]

    assert rows[1] == rows[0]
    for side in ("validation", "test"):
        assert two.facts[side]["rows"] == one.facts[side]["rows"]
        assert two.facts[side]["loss"] == pytest.approx(one.facts[side]["loss"], rel=TOLERANCE)


def test_gradients_keep_their_scale_when_processes_have_no_row(results: dict[str, Any]) -> None:
    """Three processes, batches of seven rows in pairs, then one row alone: two of the three have none."""
    for process in results["norms of three"]:
        assert process["value"] == pytest.approx(results["norms of one"], rel=TOLERANCE)


def test_every_process_returns_the_one_run_and_leaves_nothing_beside_it(results: dict[str, Any]) -> None:
    folder = Path(results["one"]).parent

    assert [process["value"] for process in results["two"]] == [str(folder / "two")] * 2
    assert list((folder / "scratch").glob("regtune-process-*")) == []


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def test_an_error_in_one_process_ends_all_of_them_and_leaves_no_run(results: dict[str, Any]) -> None:
    ends = [(process["error"], process["exit_code"]) for process in results["data error"]]

    assert ends == [("rows.csv:3: only the second process sees this", 3)] * 2
    assert not (Path(results["one"]).parent / "data-error").exists()


def test_a_config_error_is_said_once_with_the_same_exit_code(results: dict[str, Any]) -> None:
    first, second = results["config error"]

    assert first["value"] == second["value"] == 2
    assert first["stderr"].count("error: ") == 1
    assert second["stderr"] == ""


def test_a_batch_has_a_row_for_each_process(results: dict[str, Any]) -> None:
    assert [process["exit_code"] for process in results["few rows"]] == [2, 2]
    assert "1 rows cannot be divided over 2 processes" in results["few rows"][0]["error"]


def test_a_failure_of_one_process_alone_is_reported_by_it(results: dict[str, Any]) -> None:
    first, second = results["no memory"]

    assert first["kind"] == "ContactLost"
    assert (second["kind"], second["exit_code"]) == ("LoneFailure", 6)
    assert second["error"].startswith("process 2 of 2: batches of 7 rows")


def test_a_signal_to_one_process_stops_all_after_the_same_step(results: dict[str, Any]) -> None:
    ends = [(process["error"], process["exit_code"]) for process in results["stopped"]]

    assert ends == [("interrupted; everything up to step 8 is saved", 143)] * 2


def test_resume_in_as_many_processes_is_exact_dropout_included(results: dict[str, Any]) -> None:
    undisturbed, resumed = (Run(Path(results[name][0]["value"])) for name in ("undisturbed", "resumed"))

    assert [e.validation_loss for e in resumed.history] == [e.validation_loss for e in undisturbed.history]
    assert (resumed.best_path / "model.safetensors").read_bytes() == (
        undisturbed.best_path / "model.safetensors"
    ).read_bytes()


# ---- the launcher ----------------------------------------------------------------------------------------------------


def test_torchrun_shows_one_table(config_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    output = config_path.parent / "launched"
    command = [*launcher, "-m", "regtune", "train", str(config_path), f"output={output}", "training.epochs=2"]

    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True)

    lines = done.stdout.splitlines()
    assert [sum(line.lstrip().startswith(start) for line in lines) for start in ("epoch ", "1.00 ", "2.00 ")] == [1] * 3
    assert sum(line.startswith("device") and line.endswith("2 processes") for line in lines) == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    "variables",
    [{"WORLD_SIZE": "2"}, {"WORLD_SIZE": "two"}, {"WORLD_SIZE": "2", "RANK": "2", "LOCAL_RANK": "0"}],
)
def test_half_an_environment_of_a_launcher_is_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(EnvironmentFault, match=f"WORLD_SIZE={variables['WORLD_SIZE']}.*LOCAL_WORLD_SIZE=nothing"):
        read_place()


def test_training_settings_of_a_launcher_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")

    with pytest.raises(EnvironmentFault, match=r"ACCELERATE_MIXED_PRECISION=bf16, .* allowed is no"):
        read_place()


def test_an_error_travels_with_its_exit_code() -> None:
    error = Interrupted("interrupted", signal_number=15, hint="resume it")

    arrived = restored(*portable(error, Place()))

    assert (str(arrived), arrived.hint, arrived.exit_code) == ("interrupted", "resume it", 143)


def test_a_bug_travels_as_its_description() -> None:
    arrived = restored(*portable(KeyError("rows"), places(2)[1]))

    assert str(arrived) == "process 2 of 2 failed: KeyError: 'rows'"


def test_lost_contact_is_told_without_the_sources_of_torch() -> None:
    told = r"lost \(Connection closed by peer \[127.0.0.1\]:33170\)$"

    with pytest.raises(ContactLost, match=told), contact():
        raise RuntimeError("[/src/gloo/pair.cc:553] Connection closed by peer [127.0.0.1]:33170. This is typically")


def test_a_process_beside_the_first_of_its_machine_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")

    assert not is_spoken_here(EnvironmentFault("said by another process"))


def test_a_silent_process_waits_until_it_is_called_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    started = time.monotonic()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    try:
        let_others_speak()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert 0.1 <= time.monotonic() - started < 5


# ---- shares ----------------------------------------------------------------------------------------------------------


def places(count: int) -> list[Place]:
    return [Place(count=count, rank=rank, local_count=count, local_rank=rank) for rank in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shares_of_a_batch_are_the_batch(count: int) -> None:
    whole = LengthGroupedBatches(lengths=[5, 3, 9, 1, 7, 2, 8], batch_size=3, seed=0)

    shares = [list(ShareOfBatches(whole, place)) for place in places(count)]

    together = [sorted(chain.from_iterable(parts)) for parts in zip(*shares, strict=True)]
    assert together == [sorted(batch) for batch in whole]


def test_a_batch_of_no_rows_has_the_usual_tensors() -> None:
    def collate(features: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        return {name: torch.tensor([feature[name] for feature in features]) for name in features[0]}

    batch = ShareCollator(collate, spare={"input_ids": [4, 5], "labels": 1})([])

    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {"input_ids": (0, 2), "labels": (0,)}


@pytest.mark.parametrize("rows", [0, 1, 5, 6])
def test_answers_come_back_in_row_order(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    shares = [list(Processes(place).share_of(rows)) for place in places(3)]
    monkeypatch.setattr(Processes, "gathered", lambda self, mine: shares)

    assert Processes(places(3)[0]).in_row_order(shares[0]) == list(range(rows))


def test_gradients_travel_in_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "BUCKET_NUMBERS", 5)
    parameters = [torch.nn.Parameter(torch.zeros(size)) for size in (2, 3, 1, 9, 4)]

    buckets = [[parameter.numel() for parameter in bucket] for bucket in gradients.in_buckets(parameters)]

    assert buckets == [[2, 3], [1], [9], [4]]


def test_only_a_gradient_that_no_process_has_stays_absent() -> None:
    """Three parameters: of this process, of the other one, of none. The other one's are 10."""
    own, others, nobodys = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    own.grad = torch.ones(2)
    of_the_other = iter([torch.tensor([1.0, 1.0, 0.0]), torch.full((4,), 10.0)])

    gradients.sum_gradients([own, others, nobodys], sum_numbers=lambda numbers: numbers.add_(next(of_the_other)))

    assert own.grad.tolist() == [11.0, 11.0]
    assert others.grad is not None
    assert others.grad.tolist() == [10.0, 10.0]
    assert nobodys.grad is None
