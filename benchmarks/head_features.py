"""What caching saves: an epoch of `model.finetune: head` with and without the frozen trunk's features in memory.

    python benchmarks/head_features.py [--epochs 5] [--data FILE]

Model minilm, 400 training and 100 validation rows, batches of 16. An epoch is the training steps (AdamW, dropout 0.1
before the head) and one evaluation of 200 rows. CPU time of one thread, so that other work on the machine does not
count. The two variants take turns; medians are printed, the time to compute the features once, and by how much the
losses of all steps differ, which is rounding.
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import AutoTokenizer, DataCollatorWithPadding, PreTrainedModel

from regtune.data.batches import batches_of_epoch
from regtune.models.dropout import place_dropout
from regtune.models.finetune import cache_features, freeze, hold_in_evaluation
from regtune.models.load import load_model
from regtune.models.minilm import minilm_folder
from regtune.tasks import TASKS

TRAIN, VALIDATION, BATCH_SIZE = 400, 100, 16
BANKING = Path(__file__).parents[2] / "shared" / "data" / "banking77" / "train.csv"

Row = dict[str, Any]


def read_rows(source: Path, tokenizer: Any) -> tuple[list[Row], tuple[str, ...]]:
    """500 encoded rows, drawn once with a fixed seed, and the label names."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    names = tuple(sorted({label for _, label in rows}))
    return [
        {**dict(tokenizer(text, truncation=True, max_length=128)), "labels": names.index(label)}
        for text, label in rows[: TRAIN + VALIDATION]
    ], names


def build(names: tuple[str, ...], probe: dict[str, torch.Tensor]) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """(minilm, of which the head trains; the modules held in evaluation mode)"""
    loaded = load_model(
        "minilm", task=TASKS["text-classification"], label_names=names, texts=(), max_length=128, seed=0
    )
    trained = freeze(loaded.model, "head", new_parameters=loaded.new_parameters, probe=probe)
    place_dropout(loaded.model, probe, hidden=0.1)
    hold_in_evaluation(loaded.model, trained.held)
    return loaded.model, trained.held


def run_epoch(
    model: PreTrainedModel, train: list[Row], validation: list[Row], collate: Any, optimizer: Any, epoch: int
) -> list[float]:
    """One epoch and its evaluation; the losses of its steps."""
    lengths = [len(row["input_ids"]) for row in train]
    losses = []
    torch.manual_seed(epoch)
    model.train()
    for chosen in batches_of_epoch(lengths, batch_size=BATCH_SIZE, seed=0, epoch=epoch):
        batch = dict(collate([train[i] for i in chosen]))
        labels = batch.pop("labels")
        loss = functional.cross_entropy(model(**batch).logits, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        for part in (train[:VALIDATION], validation):
            by_length = sorted(part, key=lambda row: len(row["input_ids"]))
            for start in range(0, len(by_length), 32):
                batch = dict(collate(by_length[start : start + 32]))
                del batch["labels"]
                model(**batch)
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--data", type=Path, default=BANKING)
    options = parser.parse_args()
    if not options.data.is_file():
        raise SystemExit(f"{options.data}: not there; name a CSV with text and label and at least 500 rows with --data")
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    collate = DataCollatorWithPadding(tokenizer)
    rows, names = read_rows(options.data, tokenizer)
    plain, cached = (build(names, dict(collate(rows[:2]))) for _ in range(2))
    began = time.process_time()
    features = cache_features(
        cached[0],
        cached[1],
        {"train": rows[:TRAIN], "validation": rows[TRAIN:]},
        lambda part: dict(collate(list(part))),
        lengths={
            side: [len(row["input_ids"]) for row in part]
            for side, part in (("train", rows[:TRAIN]), ("validation", rows[TRAIN:]))
        },
    )
    once = time.process_time() - began
    variants = {
        "without": (plain[0], rows[:TRAIN], rows[TRAIN:]),
        "with": (cached[0], features.rows["train"], features.rows["validation"]),
    }
    optimizers = {name: torch.optim.AdamW(model.classifier.parameters()) for name, (model, _, _) in variants.items()}
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    losses: dict[str, list[float]] = {name: [] for name in variants}
    for epoch in range(options.epochs):
        for name, (model, train, validation) in variants.items():
            began = time.process_time()
            losses[name] += run_epoch(model, train, validation, collate, optimizers[name], epoch)
            seconds[name].append(time.process_time() - began)
    without, with_ = (statistics.median(seconds[name]) for name in ("without", "with"))
    difference = max(abs(a - b) for a, b in zip(losses["without"], losses["with"], strict=True))
    print(features.note)
    print(f"an epoch without the cache {without * 1000:7.0f} ms")
    print(f"an epoch with the cache    {with_ * 1000:7.0f} ms   {without / with_:.0f} times faster")
    print(f"computing the features     {once * 1000:7.0f} ms, once")
    print(f"largest difference of a step's loss {difference:.1e}")


if __name__ == "__main__":
    main()
