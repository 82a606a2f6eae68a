"""The configs in configs/: each loads, and each opens with what a reader needs first."""

from pathlib import Path

import pytest

from regtune.config import load_config
from regtune.tasks import TASKS

FOLDER = Path(__file__).parents[2] / "configs"
SHIPPED = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "sweep.yaml")  # see test_sweep_file


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_config_loads_and_trains_on_a_demo_set(name):
    assert load_config(FOLDER / name).data.train.startswith("demo:")


def test_every_task_has_a_shipped_config():
    configs = [load_config(FOLDER / name) for name in SHIPPED]

    assert {config.task or "text-classification" for config in configs} == set(TASKS)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_config_opens_with_needs_command_and_override(name):
    header = (FOLDER / name).read_text(encoding="utf-8").split("\n\n")[0]

    assert "# Needs " in header
    assert f"# Run       regtune train configs/{name}\n" in header
    assert f"# Try       regtune train configs/{name} " in header


@pytest.mark.parametrize("name", SHIPPED)
def test_the_override_a_shipped_config_suggests_works(name):
    line = next(line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line.startswith("# Try "))
    overrides = line.split(name)[1].split()

    assert load_config(FOLDER / name, overrides) != load_config(FOLDER / name)


def test_overfit_is_small_with_all_regularization_off():
    small, overfit = load_config(FOLDER / "small.yaml"), load_config(FOLDER / "overfit.yaml")
    off = {"dropout": 0.0, "weight_decay": 0.0, "patience": None, "smoothing": 0.0}

    assert overfit == small.model_copy(update={"regularization": small.regularization.model_copy(update=off)})
