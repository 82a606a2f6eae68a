"""Runs in which a part of the model trains, from training to prediction."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from regtune import api
from regtune.config.schema import Config
from regtune.training.train import train

Make = Callable[..., Config]


@pytest.mark.parametrize("part", ["head", "last-1", "lora"])
def test_a_part_trains_and_the_run_can_be_asked(
    part: str, make_config: Make, saved_tiny_model: Path, labelled_file: Path, tmp_path: Path
) -> None:
    run = train(make_config(f"model={{name: {saved_tiny_model}, finetune: {part}}}", "training.epochs=1"))
    effect, test = run.facts["effect"], run.facts["test"]

    assert 0 < effect["trained_parameters"] < effect["all_parameters"]
    assert api.evaluate(run.path)["loss"] == pytest.approx(test["loss"], rel=1e-5)
    assert api.predict(run.path, str(labelled_file), str(tmp_path / "out.csv")) > 0


def test_an_adapter_is_restored_beside_its_base(make_config: Make, saved_tiny_model: Path) -> None:
    model = f"model={{name: {saved_tiny_model}, finetune: lora, lora: {{rank: 4, save: adapter}}}}"
    run = train(make_config(model, "training.epochs=1"))

    assert json.loads((run.best_path / "adapter_config.json").read_text())["r"] == 4
    assert api.evaluate(run.path)["loss"] == pytest.approx(run.facts["test"]["loss"], rel=1e-5)
