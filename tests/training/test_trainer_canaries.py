"""What we assume of transformers' Trainer. When one of these fails after an upgrade, read regtune/training/trainer.py
before anything else: an override there rests on it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments

from regtune.config.schema import Config
from regtune.data.batches import LengthGroupedBatches
from regtune.training.setup import Setup, prepare

Make = Callable[..., Config]


def stock_trainer(setup: Setup, folder: Path, **arguments: object) -> Trainer:
    defaults = {"output_dir": str(folder), "use_cpu": True, "disable_tqdm": True, "report_to": "none", "max_steps": 1}
    return Trainer(
        model=setup.loaded.model,
        args=TrainingArguments(**{**defaults, "save_strategy": "no", "logging_strategy": "no", **arguments}),
        train_dataset=setup.train.features,
        data_collator=setup.scorer.collate,
    )


class Recorder(TrainerCallback):
    """Which callbacks come, in which order, and the gradient norm before the first step."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.norm = 0.0

    def on_epoch_begin(self, *_: object, **__: object) -> None:
        self.order.append("on_epoch_begin")

    def on_step_begin(self, *_: object, **__: object) -> None:
        self.order.append("on_step_begin")

    def on_optimizer_step(self, *_: object, **__: object) -> None:
        self.order.append("on_optimizer_step")

    def on_step_end(self, *_: object, **__: object) -> None:
        self.order.append("on_step_end")

    def on_pre_optimizer_step(self, *_: object, model: nn.Module, **__: object) -> None:
        self.order.append("on_pre_optimizer_step")
        self.norm = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm().item()


def stock_gradient_norm(make_config: Make, folder: Path, batch_size: int, accumulation: int) -> float:
    setup = prepare(make_config("regularization.dropout=0"))
    recorder = Recorder()
    trainer = stock_trainer(
        setup,
        folder,
        per_device_train_batch_size=batch_size,
        gradient_accumulation_steps=accumulation,
        max_grad_norm=1e9,
    )
    trainer.add_callback(recorder)
    trainer.train()
    return recorder.norm


def test_stock_classification_gradients_are_multiplied_by_the_accumulation(make_config: Make, tmp_path: Path) -> None:
    """Why compute_loss is ours. If this fails, upstream fixed it (transformers#47688): say so in trainer.py."""
    whole = stock_gradient_norm(make_config, tmp_path, 36, 1)
    parts = stock_gradient_norm(make_config, tmp_path, 12, 3)

    assert parts / whole == pytest.approx(3.0, rel=1e-3)


def test_stock_evaluation_loss_is_smoothed(make_config: Make, tmp_path: Path) -> None:
    """Why evaluation is ours."""
    setup = prepare(make_config("regularization.dropout=0"))
    losses = [
        stock_trainer(setup, tmp_path, label_smoothing_factor=factor).evaluate(setup.validation.features)["eval_loss"]
        for factor in (0.0, 0.3)
    ]

    assert losses[0] != pytest.approx(losses[1], abs=1e-6)


def test_stock_evaluation_draws_from_the_global_random_state(make_config: Make, tmp_path: Path) -> None:
    """Why our scorer uses no DataLoader."""
    setup = prepare(make_config())
    trainer = stock_trainer(setup, tmp_path)
    before = torch.get_rng_state()
    trainer.evaluate(setup.validation.features)

    assert not torch.equal(torch.get_rng_state(), before)


def test_the_overridden_methods_exist_with_these_parameters() -> None:
    expected = {
        "compute_loss": ["self", "model", "inputs", "return_outputs", "num_items_in_batch"],
        "_get_grad_norm": ["self", "model", "grad_norm"],
        "create_optimizer": ["self", "model"],
        "get_train_dataloader": ["self"],
        "floating_point_ops": ["self", "inputs"],
        "_load_from_checkpoint": ["self", "resume_from_checkpoint", "model"],
        "_load_optimizer_and_scheduler": ["self", "checkpoint"],
        "_load_rng_state": ["self", "checkpoint"],
    }

    assert {name: list(inspect.signature(getattr(Trainer, name)).parameters) for name in expected} == expected


def test_callbacks_come_in_the_order_the_conductor_relies_on(make_config: Make, tmp_path: Path) -> None:
    recorder = Recorder()
    trainer = stock_trainer(prepare(make_config()), tmp_path)
    trainer.add_callback(recorder)
    trainer.train()

    order = ["on_epoch_begin", "on_step_begin", "on_pre_optimizer_step", "on_optimizer_step", "on_step_end"]
    assert recorder.order == order


def test_the_scheduler_steps_after_on_optimizer_step(make_config: Make, tmp_path: Path) -> None:
    """on_optimizer_step must see the learning rate of the step just made."""
    seen: list[tuple[float, float]] = []

    class Rates(TrainerCallback):
        def on_optimizer_step(self, args, state, control, lr_scheduler, **_):  # type: ignore[no-untyped-def]
            self.during = lr_scheduler.get_last_lr()[0]

        def on_step_end(self, args, state, control, lr_scheduler, **_):  # type: ignore[no-untyped-def]
            seen.append((self.during, lr_scheduler.get_last_lr()[0]))

    trainer = stock_trainer(prepare(make_config()), tmp_path, max_steps=2, learning_rate=1.0)
    trainer.add_callback(Rates())
    trainer.train()

    assert seen == [(1.0, 0.5), (0.5, 0.0)]  # linear decay over two steps


def test_the_gradient_norm_is_taken_before_the_optimizer_steps(make_config: Make, tmp_path: Path) -> None:
    """A non-finite norm must be able to stop the step."""
    setup = prepare(make_config())

    class Refusing(Trainer):
        def _get_grad_norm(self, model: nn.Module, grad_norm: object = None) -> float:
            raise ZeroDivisionError

    before = [parameter.clone() for parameter in setup.loaded.model.parameters()]
    trainer = stock_trainer(setup, tmp_path)
    trainer.__class__ = Refusing
    with pytest.raises(ZeroDivisionError):
        trainer.train()

    assert all(torch.equal(a, b) for a, b in zip(before, setup.loaded.model.parameters(), strict=True))


def test_num_items_in_batch_counts_the_rows_of_the_whole_group(make_config: Make, tmp_path: Path) -> None:
    setup = prepare(make_config())
    trainer = stock_trainer(setup, tmp_path)
    trainer.model_accepts_loss_kwargs = True
    batches = [setup.scorer.collate([setup.train[i] for i in rows]) for rows in ([0, 1, 2], [3, 4])]

    _, count = trainer.get_batch_samples(iter(batches), 2, torch.device("cpu"))

    assert int(count) == 5


def test_iterating_our_loader_leaves_the_global_random_state_alone(make_config: Make) -> None:
    setup = prepare(make_config())
    sampler = LengthGroupedBatches(setup.train.lengths, batch_size=6, seed=0)
    loader = DataLoader(
        setup.train, batch_sampler=sampler, collate_fn=setup.scorer.collate, generator=torch.Generator()
    )
    before = torch.get_rng_state()
    list(loader)

    assert torch.equal(torch.get_rng_state(), before)
