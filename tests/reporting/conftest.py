"""A run as training leaves it, and the pieces it is made of; hostile label names included."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from regtune.data.export import TableWriter
from regtune.history import Evaluation, History
from regtune.run import Run
from regtune.training.effect import DropoutSite, Effect
from regtune.training.listener import Plan

CLASSES = ("billing", "refund", "login")
HOSTILE_CLASSES = ("</script><img src=x onerror=1>", "=[/]", "\x1b[31mred\nline")

TRAIN = (1.0523, 0.6121, 0.3312, 0.1478, 0.0612, 0.0281)
VALIDATION = (1.0811, 0.7104, 0.5881, 0.5963, 0.6570, 0.7012)
MACRO_F1 = (0.4127, 0.6512, 0.7411, 0.7533, 0.7402, 0.7419)


@pytest.fixture
def history() -> History:
    """Best at the third evaluation, a rise within noise, one beyond it, stopped with patience 3 at the sixth."""
    return History(
        [
            Evaluation(
                step=32 * (number + 1),
                epoch=float(number + 1),
                train_loss=TRAIN[number],
                validation_loss=VALIDATION[number],
                objective=TRAIN[number] + 0.3,
                metrics={"accuracy": MACRO_F1[number] + 0.02, "macro_f1": MACRO_F1[number]},
                learning_rate=5e-5 * (1 - number / 20),
                patience_used=max(0, number - 2),
                is_best=number <= 2,
                stops=number == 5,
                elapsed_seconds=4.0 * (number + 1),
            )
            for number in range(6)
        ]
    )


@pytest.fixture
def effect() -> Effect:
    """MiniLM-like: six layers, 0.1 everywhere through the model's own fields."""
    field = "field hidden_dropout_prob"
    sites = [("embeddings.dropout", "embedding", field)]
    for layer in range(6):
        sites.append((f"layer.{layer}.attention.output.dropout", "attention_output", field))
        sites.append((f"layer.{layer}.output.dropout", "feed_forward", field))
    sites.append(("dropout", "classifier", "field classifier_dropout"))
    return Effect(
        finetune="full",
        trained_parameters=22_642_000,
        all_parameters=22_642_000,
        trained_part="",
        drop_path=(),
        dropout_sites=tuple(DropoutSite(path=p, kind=k, probability=0.1, origin=o) for p, k, o in sites),
        dropout_notes=("embedding dropout follows hidden: one field governs both",),
        decayed_tensors=38,
        decayed_parameters=22_600_000,
        undecayed_tensors=64,
        undecayed_parameters=42_000,
        total_shrink=0.00005,
        augmentation={},
        augmented_rows=(0, 0),
        weight_decay=0.01,
        weight_decay_target="zero",
        smoothing=0.1,
        classes=3,
        earliest_stop_epoch=4.0,
        patience=3,
    )


@pytest.fixture
def plan(effect: Effect) -> Plan:
    return Plan(
        run_path=Path("runs/small"),
        config_name="configs/small.yaml",
        task="text-classification",
        model="minilm",
        device="cpu, 2 threads",
        rows={"train": 512, "validation": 128, "test": 80},
        classes=CLASSES,
        parameters=22_700_000,
        steps=640,
        steps_per_epoch=32,
        epochs=20,
        evaluations=20,
        patience=3,
        monitor="loss",
        headline="macro_f1",
        answer_kind="class",
        loss_unit="nats per row",
        chance_loss=math.log(3),
        effect=effect,
        notes=("text column `message`: the only long text",),
    )


@pytest.fixture
def run(tmp_path: Path, plan: Plan, history: History) -> Run:
    """A completed run folder with ordinary labels."""
    return make_run(tmp_path / "small", plan, history, CLASSES)


@pytest.fixture
def hostile_run(tmp_path: Path, plan: Plan, history: History) -> Run:
    """The same with label names and texts that try to be HTML, markup and terminal commands."""
    return make_run(tmp_path / "hostile", plan, history, HOSTILE_CLASSES)


def make_run(path: Path, plan: Plan, history: History, classes: tuple[str, ...]) -> Run:
    (path / "best").mkdir(parents=True)
    run = Run(path)
    run.write_history(history)
    run.config_path.write_text("model: minilm\ndata: {train: 'demo:support'}\n")
    run.write_json("run.json", run_facts(plan, history, classes))
    counts = dict.fromkeys(classes, 40)
    run.write_json(
        "data.json",
        {
            "files": {"train": {"source": "demo:support", "sha256": "ab" * 32, "bytes": 9000, "rows": 720}},
            "label_names": list(classes),
            "rows": plan.rows,
            "counts": {"train": counts, "validation": counts, "test": counts},
            "split": {},
        },
    )
    packages = {"regtune": "0.1.0", "torch": "2.13.0"}
    run.write_json(
        "environment.json",
        {"python": "3.11.2", "platform": "Linux x86_64", "device": plan.device, "packages": packages},
    )
    write_predictions(run, classes)
    return run


def run_facts(plan: Plan, history: History, classes: tuple[str, ...]) -> dict:
    interval = {"value": 0.8121, "low": 0.745, "high": 0.868}
    metrics = dict.fromkeys(("accuracy", "macro_f1", "nll", "ece"), interval)
    plain = {key: value for key, value in asdict(plan).items() if key not in ("run_path", "effect", "notes")}
    best = history.best
    return json.loads(
        json.dumps(
            {
                "status": "completed",
                "config_name": plan.config_name,
                "task": plan.task,
                "model": plan.model,
                "headline": plan.headline,
                "threshold": 0.5,
                "baseline": None,
                "notes": [*plan.notes, f"class {classes[0]} has few rows"],
                "plan": {**plain, "classes": classes},
                "effect": plan.effect.to_dict(),
                "stopped_because": "patience",
                "best": {
                    key: getattr(best, key) for key in ("step", "epoch", "train_loss", "validation_loss", "metrics")
                },
                "restored_equal": True,
                "validation": {"rows": 128, "loss": 0.5881, "metrics": metrics},
                "test": {"rows": 80, "loss": 0.6, "metrics": metrics},
                "duration_seconds": 24.0,
                "advice": [
                    {
                        "title": "overfitting",
                        "evidence": "train fell by 0.30 nats after epoch 3 while validation rose by 0.11",
                        "command": "regtune train configs/small.yaml regularization.dropout=0.3",
                    },
                    {"title": "if that is not enough", "evidence": "label more rows", "command": ""},
                ],
            }
        )
    )


def write_predictions(run: Run, classes: tuple[str, ...]) -> None:
    """Twelve rows: class 0 always right, class 1 half taken for class 2, class 2 always right."""
    labels = [0] * 4 + [1] * 4 + [2] * 4
    predicted = [0] * 4 + [1, 1, 2, 2] + [2] * 4
    with TableWriter(run.predictions_path, ["text", "label", "loss", "prediction", "confidence"]) as writer:
        for number, (label, prediction) in enumerate(zip(labels, predicted, strict=True)):
            loss = 2.5 if label != prediction else round(0.1 + number / 100, 2)
            text = f"message {number} about {classes[label]}"
            answer = {"prediction": classes[prediction], "confidence": 0.9}
            writer.write({"text": text, "label": classes[label], "loss": loss, **answer})
