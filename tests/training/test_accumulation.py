"""Gradient accumulation equals the large batch: the stock Trainer's gradients come out multiplied by the batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback

from regtune.config.schema import Config
from regtune.run import Run
from regtune.training.processes import Processes
from regtune.training.setup import prepare
from regtune.training.train import make_trainer

Make = Callable[..., Config]


class FirstGradient(TrainerCallback):
    """Keeps the gradient of the first optimizer step, as AdamW gets it."""

    gradient: torch.Tensor

    def on_pre_optimizer_step(self, args, state, control, model, **_):  # type: ignore[no-untyped-def]
        self.gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).clone()
        control.should_training_stop = True


def first_gradient(make_config: Make, folder: Path, *overrides: str) -> torch.Tensor:
    """Of a step over all twelve rows, dropout off (its masks would differ), clipping off, smoothing on."""
    config = make_config(
        "regularization.dropout=0", "training.clip_norm=null", "training.epochs=1", "data.test=null", *overrides
    )
    setup = prepare(config)
    trainer = make_trainer(Run(folder), setup, Processes())
    kept = FirstGradient()
    trainer.add_callback(kept)
    trainer.train()
    return kept.gradient


@pytest.fixture
def twelve_rows(labelled_file: Path) -> None:
    """16 rows, of which a quarter is held out: one step over 12 rows is the whole epoch."""
    lines = labelled_file.read_text().splitlines()
    labelled_file.write_text("\n".join(lines[:17]) + "\n")


@pytest.mark.usefixtures("twelve_rows")
@pytest.mark.parametrize(("batch_size", "accumulation"), [(4, 3), (1, 12), (5, 3)])  # 5, 5, 2: unequal batches
def test_gradients_equal_those_of_one_batch(
    make_config: Make, tmp_path: Path, batch_size: int, accumulation: int
) -> None:
    share = "data.validation=0.25"
    whole = first_gradient(make_config, tmp_path, share, "training.batch_size=12")

    parts = first_gradient(
        make_config, tmp_path, share, f"training.batch_size={batch_size}", f"training.accumulation={accumulation}"
    )

    assert whole.norm() > 0.01
    assert (parts - whole).abs().max() < 1e-6
