"""Gather the effect panel's facts from the model, groups and schedule that this run really has."""

from __future__ import annotations

import torch
from transformers import get_scheduler

from regtune.config.schema import TrainingSettings
from regtune.models.finetune import Trained, held_sites
from regtune.regularization.patience import earliest_stop_evaluation
from regtune.regularization.weight_decay import count_decayed, total_shrink
from regtune.training.effect import Effect
from regtune.training.setup import Setup
from regtune.training.trainer import schedule_name, warmup_steps


def effect_of(setup: Setup) -> Effect:
    """The facts, counted on the built run."""
    settings = setup.config.regularization
    counts = count_decayed(setup.loaded.model)
    placement = setup.techniques.dropout.placement
    rates = learning_rates(setup.config.training, steps=setup.steps)
    return Effect(
        finetune=setup.config.model_settings.finetune,
        trained_parameters=setup.capacity.trained.trainable_parameters,
        all_parameters=setup.capacity.trained.all_parameters,
        trained_part=trained_part(setup.capacity.trained),
        dropout_sites=held_sites(placement.sites, setup.capacity.trained.held),
        drop_path=tuple(site.probability for site in setup.techniques.drop_path.sites),
        dropout_notes=placement.notes,
        decayed_tensors=counts.decayed_tensors,
        decayed_parameters=counts.decayed_parameters,
        undecayed_tensors=counts.undecayed_tensors,
        undecayed_parameters=counts.undecayed_parameters,
        total_shrink=total_shrink(rates, strength=settings.weight_decay),
        augmentation=setup.techniques.augmentation.strengths,
        augmented_rows=setup.augmented,
        weight_decay=settings.weight_decay,
        weight_decay_target=settings.weight_decay_target,
        smoothing=settings.smoothing,
        classes=setup.classes,
        earliest_stop_epoch=earliest_stop_epoch(setup),
        patience=settings.patience,
    )


def trained_part(trained: Trained) -> str:
    """What trains, in words: "3 of 6 blocks and classifier"."""
    parts = [] if trained.blocks is None else [f"{trained.blocks[0]} of {trained.blocks[1]} blocks"]
    if trained.updated_layers:
        parts.append(f"updates of rank r beside {trained.updated_layers} layers")
    if trained.blocks is None and trained.mode != "full":
        parts += trained.modules
    return " and ".join(parts)


def learning_rates(settings: TrainingSettings, *, steps: int) -> list[float]:
    """The learning rate of every planned step, from the scheduler that the Trainer will use."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=settings.learning_rate)
    scheduler = get_scheduler(
        schedule_name(settings),
        optimizer,
        num_warmup_steps=warmup_steps(settings, steps=steps),
        num_training_steps=steps,
    )
    rates = []
    for _ in range(steps):
        rates.append(float(scheduler.get_last_lr()[0]))
        optimizer.step()
        scheduler.step()
    return rates


def earliest_stop_epoch(setup: Setup) -> float | None:
    """Epoch of the first evaluation at which early stopping can fire; None when it is off or never can."""
    patience = setup.config.regularization.patience
    if patience is None or earliest_stop_evaluation(patience) >= len(setup.due):
        return None
    return sorted(setup.due)[earliest_stop_evaluation(patience) - 1] / setup.steps_per_epoch
