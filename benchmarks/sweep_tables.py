"""Whole sweeps in seconds: many configs of a small head on frozen minilm features, each trained on every fold.

What `benchmarks/verdict_errors.py` judges verdicts on. One sweep: 200 rows drawn anew, five folds, 20 candidates (own,
off and 18 drawn from the space), each trained on every fold (30 epochs, batches of 32, AdamW, linear decay, the weights
of the evaluation with the lowest validation loss are kept), and once more on every fold with another seed, of which the
loss on the held-out test rows is the truth. All models of a sweep are trained side by side as one batched product.

The features are the first 64 principal components of the mean-pooled minilm output, scaled to unit variance; the head
is 64 → 32 → classes with dropout before both layers, so that initial weights, row order and dropout masks are a
matter of luck, as in fine-tuning.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from regtune.models.minilm import minilm_folder

DATA = Path(__file__).parents[2] / "shared" / "data"
COMPONENTS, HIDDEN = 64, 32
CANDIDATES, ROWS, FOLDS, TEST_ROWS = 20, 200, 5, 1500
EPOCHS, BATCH_SIZE = 30, 32
KNOBS = ("dropout", "weight decay", "smoothing", "learning rate")
DEFAULT = (0.1, 0.01, 0.1, 1e-2)
KINDS = ("null", "near", "wide")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sweep:
    """losses: (candidates, folds, rows of a fold) clean validation loss of each row; candidate 0 is own.

    test: (candidates,) mean test loss over folds, trained with seeds that the sweep has not used.
    """

    losses: Array
    test: Array


def texts_of(name: str, data: Path) -> tuple[list[str], list[str]]:
    """Texts and intents of banking77 or snips_slots, all files together."""
    if name == "banking77":
        rows = [
            row
            for file in ("train.csv", "test.csv")
            for row in csv.DictReader((data / name / file).open("r", encoding="utf-8"))
        ]
        return [row["text"] for row in rows], [row["label"] for row in rows]
    lines = [
        line for file in ("train.jsonl", "test.jsonl") for line in (data / name / file).read_text("utf-8").splitlines()
    ]
    read = [json.loads(line) for line in lines]
    return [" ".join(row["tokens"]) for row in read], [row["label"] for row in read]


def features_of(name: str, *, data: Path, folder: Path) -> tuple[Tensor, Tensor]:
    """(rows, COMPONENTS) features and (rows,) class numbers, from `folder` when they were computed before."""
    cached = folder / f"{name}-features.pt"
    if not cached.exists():
        texts, labels = texts_of(name, data)
        names = sorted(set(labels))
        tokenizer, model = AutoTokenizer.from_pretrained(minilm_folder()), AutoModel.from_pretrained(minilm_folder())
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        pooled = torch.zeros(len(texts), model.config.hidden_size)
        with torch.no_grad():
            for start in range(0, len(order), 64):
                chosen = order[start : start + 64]
                batch = tokenizer(
                    [texts[row] for row in chosen], padding=True, truncation=True, max_length=64, return_tensors="pt"
                )
                mask = batch["attention_mask"][..., None]
                pooled[chosen] = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
        centred = pooled - pooled.mean(0)
        directions = torch.linalg.svd(centred.T @ centred)[0][:, :COMPONENTS]
        projected = centred @ directions
        torch.save((projected / projected.std(), torch.tensor([names.index(label) for label in labels])), cached)
    return torch.load(cached)


def train_all(
    features: Tensor, labels: Tensor, train: Tensor, validation: Tensor, test: Tensor, knobs: Tensor, luck: Tensor
) -> tuple[Array, Array]:
    """Validation losses (models, rows) at each model's best evaluation, and mean test losses (models,).

    train, validation: (models, rows) row numbers. knobs: (models, 4), see KNOBS. luck: (models,) seed numbers; models
    of equal luck share initial weights, row order and dropout's random numbers.
    """
    classes, models = int(labels.max()) + 1, len(train)
    seeds, luck_index = luck.unique(return_inverse=True)
    generator = torch.Generator().manual_seed(int(seeds[0]))
    dropout, weight_decay, smoothing, rate = (column[:, None, None] for column in knobs.T)

    def drawn(*shape: int) -> Tensor:
        return torch.rand(len(seeds), *shape, generator=generator)[luck_index]

    def initial(inputs: int, outputs: int) -> Tensor:
        return (2 * drawn(inputs, outputs) - 1) * inputs**-0.5

    weights = [
        initial(COMPONENTS, HIDDEN),
        torch.zeros(models, 1, HIDDEN),
        initial(HIDDEN, classes),
        torch.zeros(models, 1, classes),
    ]
    first, second = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    best, kept = torch.full((models,), torch.inf), [weight.clone() for weight in weights]
    rows, steps, step = train.shape[1], 0, 0
    steps = EPOCHS * (rows // BATCH_SIZE)
    x_validation, y_validation = features[validation], labels[validation]

    def logits(x: Tensor, of: list[Tensor]) -> Tensor:
        return torch.baddbmm(of[3], torch.relu(torch.baddbmm(of[1], x, of[0])), of[2])

    for _ in range(EPOCHS):
        order = drawn(rows).argsort(1)
        for start in range(0, rows - BATCH_SIZE + 1, BATCH_SIZE):
            step += 1
            chosen = train.gather(1, order[:, start : start + BATCH_SIZE])
            for weight in weights:
                weight.requires_grad_(True)
            x = features[chosen] * (drawn(BATCH_SIZE, COMPONENTS) >= dropout) / (1 - dropout)
            hidden = torch.relu(torch.baddbmm(weights[1], x, weights[0]))
            hidden = hidden * (drawn(BATCH_SIZE, HIDDEN) >= dropout) / (1 - dropout)
            log_probabilities = torch.baddbmm(weights[3], hidden, weights[2]).log_softmax(-1)
            right = log_probabilities.gather(2, labels[chosen][..., None])
            wrong = (log_probabilities.sum(-1, keepdim=True) - right) / (classes - 1)
            objective = -((1 - smoothing) * right + smoothing * wrong).mean((1, 2)).sum()
            gradients = torch.autograd.grad(objective, weights)
            with torch.no_grad():
                now = rate * (1 - (step - 1) / steps)
                for number, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
                    weight.requires_grad_(False)
                    first[number].lerp_(gradient, 0.1)
                    second[number].lerp_(gradient * gradient, 0.001)
                    if number in (0, 2):
                        weight.mul_(1 - now * weight_decay)
                    weight -= (
                        now * (first[number] / (1 - 0.9**step)) / ((second[number] / (1 - 0.999**step)).sqrt() + 1e-8)
                    )
        found = row_losses(logits(x_validation, weights), y_validation).mean(1)
        better = found < best
        best = torch.where(better, found, best)
        for number, weight in enumerate(weights):
            kept[number][better] = weight[better]
    test_losses = torch.stack(
        [
            row_losses(logits(features[test][None], [weight[[model]] for weight in kept]), labels[test][None]).mean()
            for model in range(models)
        ]
    )
    return row_losses(logits(x_validation, kept), y_validation).double().numpy(), test_losses.double().numpy()


def row_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """(models, rows, classes), (models, rows) → (models, rows)"""
    return functional.cross_entropy(logits.movedim(-1, 1), labels, reduction="none")


def draw_candidates(count: int, generator: np.random.Generator, *, kind: str) -> Array:
    """(count, 4) knobs: own (the default, or as often a draw from the space), off (the rest 0), then the search's.

    kind: "wide": draws from the whole space. "near": own, each knob a little more or less. "null": own again and again.
    """
    space = np.stack(
        [
            generator.choice([0.0, 0.1, 0.2, 0.3, 0.5], count),
            generator.choice([0.0, 0.01, 0.1, 0.5], count),
            generator.choice([0.0, 0.05, 0.1, 0.2], count),
            10 ** generator.uniform(-2.5, -1.3, count),
        ],
        axis=1,
    )
    if generator.random() < 0.5:
        space[0] = DEFAULT
    space[1] = (0.0, 0.0, 0.0, space[0, 3])
    if kind == "null":
        space[1:] = space[0]
    if kind == "near":
        space[1:] = space[0] * generator.uniform(0.7, 1.4, space[1:].shape)
    return space


def run_sweep(features: Tensor, labels: Tensor, *, candidates: int, seed: int, kind: str) -> Sweep:
    """One sweep; kind: see `draw_candidates`. In a null sweep each candidate has luck of its own, and test is 0."""
    generator = np.random.default_rng(seed)
    knobs, is_null = draw_candidates(candidates, generator, kind=kind), kind == "null"
    order = torch.from_numpy(generator.permutation(len(labels)))
    drawn, test = order[:ROWS], order[ROWS : ROWS + TEST_ROWS]
    held = [drawn[fold::FOLDS] for fold in range(FOLDS)]
    rest = [torch.cat([held[other] for other in range(FOLDS) if other != fold]) for fold in range(FOLDS)]
    sides = 1 if is_null else 2  # the sweep, and the truth
    fold_of = torch.arange(FOLDS).repeat(candidates * sides)
    luck = fold_of + 1000 * seed + FOLDS * torch.arange(sides).repeat_interleave(candidates * FOLDS)
    if is_null:
        luck = torch.arange(candidates * FOLDS) + 1000 * seed
    losses, test_losses = train_all(
        features,
        labels,
        torch.stack([rest[fold] for fold in fold_of]),
        torch.stack([held[fold] for fold in fold_of]),
        test if not is_null else test[:1],
        torch.from_numpy(knobs).float().repeat_interleave(FOLDS, 0).repeat(sides, 1),
        luck,
    )
    of_sweep = losses[: candidates * FOLDS].reshape(candidates, FOLDS, -1)
    truth = test_losses[-candidates * FOLDS :].reshape(candidates, FOLDS).mean(1)
    return Sweep(of_sweep, np.zeros(candidates) if is_null else truth)


def sweeps_of(name: str, kind: str, *, count: int, data: Path, folder: Path) -> list[Sweep]:
    """`count` sweeps on a data set, from `folder` as far as they were run before."""
    features, labels = features_of(name, data=data, folder=folder)
    found = []
    for seed in range(count):
        path = folder / f"{name}-{kind}-{seed}.npz"
        if not path.exists():
            sweep = run_sweep(features, labels, candidates=CANDIDATES, seed=seed, kind=kind)
            np.savez_compressed(path, losses=sweep.losses, test=sweep.test)
        with np.load(path) as arrays:
            found.append(Sweep(arrays["losses"], arrays["test"]))
    return found
