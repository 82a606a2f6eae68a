"""Time and memory of an epoch: regtune against a bare PyTorch loop, and against padding everything to 128.

    python benchmarks/epoch_time.py [--pairs 3] [--epochs 3] [--data FILE]

Model minilm, 400 training rows, 2 threads, every measurement in a process of its own, the variants in turn. Two
comparisons with the bare loop: the training steps alone (same batches, AdamW, clipping, schedule, dropout), and the
whole epoch with what regtune does after it (clean loss on train sample and validation, a checkpoint), which the bare
loop then does as well, with torch.save. The padded variant is the transformers text-classification example's default:
128 tokens, batches of 8. Ratios are of pairs measured one after the other; the median is the figure to quote.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS, VALIDATION_ROWS, THREADS, BATCH_SIZE = 400, 100, 2, 16
BANKING = Path(__file__).parents[2] / "shared" / "data" / "banking77" / "train.csv"
VARIANTS = ("bare", "regtune", "bare-whole", "regtune-whole", "padded")


def write_rows(source: Path, folder: Path) -> None:
    """400 training and 100 validation rows, drawn once with a fixed seed; every validation label is in train."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    train = rows[:ROWS]
    known = {label for _, label in train}
    validation = [row for row in rows[ROWS:] if row[1] in known][:VALIDATION_ROWS]
    for name, part in (("train", train), ("validation", validation)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *part])


def config_of(folder: Path, epochs: int):  # type: ignore[no-untyped-def]
    """The run all variants share: same rows, same model, same batches."""
    from regtune.config import parse_config

    text = f"""
model: minilm
data: {{train: {folder}/train.csv, validation: {folder}/validation.csv}}
regularization: {{dropout: 0.1, weight_decay: 0.01, patience: null, smoothing: 0.1}}
training: {{epochs: {epochs}, batch_size: {BATCH_SIZE}, learning_rate: 5e-5, device: cpu}}
output: {folder}/run
"""
    return parse_config(text, name="benchmark")


def regtune_steps(folder: Path, epochs: int) -> list[float]:
    """Seconds per epoch of regtune's training steps, without evaluations."""
    from transformers import TrainerCallback

    from regtune.run import Run
    from regtune.training.processes import Processes
    from regtune.training.setup import prepare
    from regtune.training.train import make_trainer

    setup = prepare(config_of(folder, epochs))
    seconds: list[float] = []

    class Clock(TrainerCallback):
        def on_epoch_begin(self, args, state, control, **_):  # type: ignore[no-untyped-def]
            trainer.batches.set_epoch(len(seconds))
            self.began = time.perf_counter()

        def on_epoch_end(self, args, state, control, **_):  # type: ignore[no-untyped-def]
            seconds.append(time.perf_counter() - self.began)

    trainer = make_trainer(Run(folder / "run"), setup, Processes())
    trainer.add_callback(Clock())
    trainer.train()
    return seconds


def regtune_whole(folder: Path, epochs: int) -> list[float]:
    """Seconds per epoch of `regtune train`, evaluations and checkpoints included."""
    from regtune.training.listener import Listener
    from regtune.training.train import train

    moments: list[float] = []

    class Clock(Listener):
        def on_evaluation(self, history):  # type: ignore[no-untyped-def]
            moments.append(time.perf_counter())

    train(config_of(folder, epochs + 1), listeners=[Clock()])  # the first epoch only starts the clock
    return [b - a for a, b in itertools.pairwise(moments)]


def bare(folder: Path, epochs: int, *, whole: bool = False, padded: bool = False) -> list[float]:
    """Seconds per epoch of a plain loop: fused AdamW, clipping, linear schedule, torch's own smoothing."""
    import torch
    import transformers
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_scheduler

    from regtune.data.batches import batches_of_epoch
    from regtune.models.minilm import minilm_folder

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    rows = list(csv.DictReader((folder / "train.csv").open(encoding="utf-8", newline="")))
    held_out = list(csv.DictReader((folder / "validation.csv").open(encoding="utf-8", newline="")))
    names = sorted({row["label"] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    model = AutoModelForSequenceClassification.from_pretrained(minilm_folder(), num_labels=len(names))
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.1
    model.config.attention_probs_dropout_prob = 0.0
    for layer in model.bert.encoder.layer:
        layer.attention.self.dropout.p = 0.0

    def features(part: list[dict[str, str]]) -> list[dict[str, list[int]]]:
        encoded = tokenizer([row["text"] for row in part], truncation=True, max_length=128)
        return [{name: encoded[name][i] for name in encoded} for i in range(len(part))]

    def batch_of(chosen: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        padding = {"padding": "max_length", "max_length": 128} if padded else {"padding": True}
        return tokenizer.pad(chosen, return_tensors="pt", **padding)

    tokenizer.deprecation_warnings["Asking-to-pad-a-fast-tokenizer"] = True
    train_rows, validation_rows = features(rows), features(held_out)
    labels = torch.tensor([names.index(row["label"]) for row in rows])
    lengths = [len(feature["input_ids"]) for feature in train_rows]
    size = 8 if padded else BATCH_SIZE
    steps = epochs * -(-len(rows) // size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01, fused=True)
    scheduler = get_scheduler("linear", optimizer, num_warmup_steps=steps // 10, num_training_steps=steps)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    seconds = []
    for epoch in range(epochs):
        began = time.perf_counter()
        model.train()
        for chosen in batches_of_epoch(lengths, batch_size=size, seed=0, epoch=epoch):
            loss = loss_of(model(**batch_of([train_rows[i] for i in chosen])).logits, labels[chosen])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            loss.item()
        if whole:
            model.eval()
            with torch.no_grad():
                for part in (train_rows[:VALIDATION_ROWS], validation_rows):
                    part = sorted(part, key=lambda feature: len(feature["input_ids"]))
                    for start in range(0, len(part), 32):
                        model(**batch_of(part[start : start + 32]))
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, folder / "checkpoint.pt")
        seconds.append(time.perf_counter() - began)
    return seconds


def measure_here(variant: str, folder: Path, epochs: int) -> None:
    """In the child: print the median epoch and the peak memory."""
    import torch

    torch.set_num_threads(THREADS)
    if variant.startswith("regtune"):
        seconds = (regtune_whole if variant.endswith("whole") else regtune_steps)(folder, epochs)
    else:
        seconds = bare(folder, epochs, whole=variant.endswith("whole"), padded=variant == "padded")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB; Linux counts in KiB
    print(json.dumps({"seconds": statistics.median(seconds), "peak": peak}))


def measure(variant: str, folder: Path, epochs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        for name in ("train.csv", "validation.csv"):
            (Path(own) / name).write_bytes((folder / name).read_bytes())
        command = [sys.executable, __file__, "--variant", variant, "--folder", own, "--epochs", str(epochs)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def ratio(name: str, above: list[float], below: list[float], goal: str) -> None:
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    print(f"{name:<58} {middle:5.2f}   ({low:.2f} to {high:.2f})   goal {goal}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--data", type=Path, default=BANKING)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.variant:
        measure_here(options.variant, options.folder, options.epochs)
        return
    if not options.data.is_file():
        raise SystemExit(f"{options.data}: not there; name a CSV with text and label and at least 500 rows with --data")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(options.data, folder)
        figures: dict[str, list[dict[str, float]]] = {variant: [] for variant in VARIANTS}
        for pair in range(options.pairs):
            for variant in VARIANTS:
                figures[variant].append(measure(variant, folder, options.epochs))
                last = figures[variant][-1]
                print(
                    f"{pair + 1}/{options.pairs} {variant:<14} {last['seconds']:7.2f} s/epoch {last['peak']:7.0f} MiB"
                )
    seconds = {variant: [figure["seconds"] for figure in figures[variant]] for variant in VARIANTS}
    peak = {variant: [figure["peak"] for figure in figures[variant]] for variant in VARIANTS}
    print(f"\n{ROWS} rows, {THREADS} threads, median of {options.pairs} pairs (range)")
    ratio("training steps of an epoch: regtune / bare loop", seconds["regtune"], seconds["bare"], "<= 1.10")
    ratio(
        "whole epoch, evaluated and saved: regtune / bare loop",
        seconds["regtune-whole"],
        seconds["bare-whole"],
        "<= 1.10",
    )
    ratio("epoch: padded to 128 at batch 8 / regtune steps", seconds["padded"], seconds["regtune"], ">= 3")
    ratio("peak memory: regtune / bare loop", peak["regtune"], peak["bare"], "<= 1.15")
    ratio("peak memory, whole: regtune / bare loop", peak["regtune-whole"], peak["bare-whole"], "<= 1.15")


if __name__ == "__main__":
    main()
