"""What every task keeps: restored equals recorded, evaluate equals the run, plain transformers answers the same."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image
from transformers import TrainerCallback

from regtune import api
from regtune.config.schema import Config
from regtune.errors import Interrupted
from regtune.history import History
from regtune.run import Run, open_run
from regtune.tasks import TASKS
from regtune.training.listener import Listener
from regtune.training.processes import Processes
from regtune.training.setup import Setup, prepare
from regtune.training.train import make_trainer, resume, train

CASES = [*TASKS, "pair"]
# One of each kind of batch and answer, for what takes several runs; tests/training does the same with one class a row.
KINDS = ["token-classification", "causal-lm", "seq2seq", "image-classification"]
Finished = Callable[[str], tuple[Run, Path]]
Make = Callable[..., Config]


@pytest.mark.parametrize("case", CASES)
def test_the_task_is_inferred_and_the_reason_told(finished: Finished, case: str) -> None:
    run, _ = finished(case)
    name = "text-classification" if case == "pair" else case

    assert run.facts["task"] == name
    assert run.facts["notes"][0].startswith(f"task {name}: ")


@pytest.mark.parametrize("case", CASES)
def test_the_restored_model_re_evaluates_to_the_recorded_best(finished: Finished, case: str) -> None:
    run, _ = finished(case)

    assert run.status == "completed"
    assert run.facts["restored_equal"] is True
    assert run.facts["validation"]["loss"] == run.history.best.validation_loss  # type: ignore[union-attr]


@pytest.mark.parametrize("case", CASES)
def test_evaluate_gives_the_figures_of_the_run(finished: Finished, case: str) -> None:
    run, _ = finished(case)

    assert api.evaluate(run.path) == {"split": "test", **run.facts["test"]}


@pytest.mark.parametrize("case", CASES)
def test_one_row_can_be_scored_and_told_as_strict_json(finished: Finished, case: str) -> None:
    """Its interval may have no upper end, which JSON has no number for."""
    run, path = finished(case)
    one = path.with_name(f"one{path.suffix}")
    one.write_text("".join(path.read_text().splitlines(keepends=True)[: 1 if path.suffix == ".jsonl" else 2]))

    result = api.evaluate(run.path, data=str(one))

    assert result["rows"] == 1
    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("case", CASES)
def test_predict_answers_every_row(finished: Finished, tmp_path: Path, case: str, suffix: str) -> None:
    run, path = finished(case)
    output = tmp_path / f"out.{suffix}"

    assert api.predict(run.path, str(path), str(output)) == 30
    rows = read_rows(output)
    assert len(rows) == 30
    assert all(row["prediction"] is not None for row in rows)


@pytest.mark.parametrize("case", CASES)
def test_plain_transformers_gives_the_same_answers(finished: Finished, tmp_path: Path, case: str) -> None:
    run, path = finished(case)
    api.predict(run.path, str(path), str(tmp_path / "out.jsonl"))
    rows = read_rows(tmp_path / "out.jsonl")[:4]

    plain = PLAIN[case](run, rows, path.parent)

    assert [row["prediction"] for row in rows] == plain


@pytest.mark.parametrize("case", CASES)
def test_accumulated_batches_have_the_gradient_of_one(make_config: Make, tmp_path: Path, case: str) -> None:
    """Rows have unequal lengths, so batches have unequal numbers of tokens."""
    whole = first_gradient(prepare(make_config(case, *PLAIN_STEP, "training.batch_size=18")), tmp_path)

    accumulated = ("training.batch_size=5", "training.accumulation=4")  # 5, 5, 5 and 3 rows
    parts = first_gradient(prepare(make_config(case, *PLAIN_STEP, *accumulated)), tmp_path)

    assert whole.norm() > 0.001
    assert (parts - whole).abs().max() < 2e-6 * max(1.0, float(whole.abs().max()))


@pytest.mark.parametrize("case", CASES)
def test_smoothing_0_is_no_smoothing_to_the_last_bit(make_config: Make, tmp_path: Path, case: str) -> None:
    config = make_config(case, *PLAIN_STEP, "regularization.smoothing=0")

    zero = first_gradient(prepare(config), tmp_path)
    none = first_gradient(prepare(config), tmp_path, without_techniques=True)

    assert torch.equal(zero, none)


@pytest.mark.parametrize("case", [case for case in CASES if case != "regression"])
def test_smoothing_acts_on_every_task_with_classes(make_config: Make, tmp_path: Path, case: str) -> None:
    plain = first_gradient(prepare(make_config(case, *PLAIN_STEP, "regularization.smoothing=0")), tmp_path)
    smooth = first_gradient(prepare(make_config(case, *PLAIN_STEP, "regularization.smoothing=0.2")), tmp_path)

    assert (plain - smooth).abs().max() > 1e-5


@pytest.mark.parametrize("case", KINDS)
def test_a_resumed_run_is_bit_identical(make_config: Make, tmp_path: Path, case: str) -> None:
    undisturbed = train(make_config(case, f"output={tmp_path / 'undisturbed'}"))
    with pytest.raises(Interrupted):
        train(make_config(case), listeners=[StopAfter(4)])

    run = resume(open_run(tmp_path / "run"))

    assert losses(run) == losses(undisturbed)
    weights = [(each.best_path / "model.safetensors").read_bytes() for each in (run, undisturbed)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("case", KINDS)
def test_looking_changes_nothing(make_config: Make, tmp_path: Path, case: str) -> None:
    """Three evaluations an epoch instead of one, answers written out in each: every objective stays bit-equal."""
    once, often = Objectives(), Objectives()
    config = make_config(case, "regularization.patience=null", f"output={tmp_path / 'once'}")
    train(config, listeners=[once])
    more = config.training.model_copy(update={"evaluations_per_epoch": 3})
    train(config.model_copy(update={"training": more, "output": str(tmp_path / "often")}), listeners=[often])

    assert (once.evaluations, often.evaluations) == (2, 6)
    assert often.objectives == once.objectives


# One step over all training rows: no dropout masks that would differ, no clipping.
PLAIN_STEP = ("regularization.dropout=0", "training.clip_norm=null", "training.epochs=1", "training.warmup=0")


class FirstGradient(TrainerCallback):
    """Keeps the gradient of the first optimizer step, as AdamW gets it."""

    gradient: torch.Tensor

    def on_pre_optimizer_step(self, args, state, control, model, **_):  # type: ignore[no-untyped-def]
        self.gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).clone()
        control.should_training_stop = True


def first_gradient(setup: Setup, folder: Path, *, without_techniques: bool = False) -> torch.Tensor:
    trainer = make_trainer(Run(folder), setup, Processes())
    if without_techniques:
        trainer.create_optimizer()
        trainer.regularizers = ()
    kept = FirstGradient()
    trainer.add_callback(kept)
    trainer.train()
    return kept.gradient


class StopAfter(Listener):
    """Sends this process a signal after a step, as a terminal would."""

    def __init__(self, step: int) -> None:
        self.at = step

    def on_step(self, step: int, objective: float) -> None:
        if step == self.at:
            os.kill(os.getpid(), signal.SIGINT)


class Objectives(Listener):
    """Remembers what every step minimised."""

    def __init__(self) -> None:
        self.objectives: list[float] = []
        self.evaluations = 0

    def on_step(self, step: int, objective: float) -> None:
        self.objectives.append(objective)

    def on_evaluation(self, history: History) -> None:
        self.evaluations += 1


def losses(run: Run) -> list[tuple[float, ...]]:
    return [(e.train_loss, e.validation_loss, e.objective, *e.metrics.values()) for e in run.history]


def read_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- the same answers by transformers alone --------------------------------------------------------------------------


def loaded(run: Run) -> tuple[Any, Any]:
    auto = getattr(transformers, TASKS[run.facts["task"]].auto_class)
    return auto.from_pretrained(run.best_path).eval(), transformers.AutoTokenizer.from_pretrained(run.best_path)


def logits_of(run: Run, *texts: str) -> torch.Tensor:
    model, tokenizer = loaded(run)
    with torch.no_grad():
        return model(**tokenizer(*texts, truncation=True, max_length=16, return_tensors="pt")).logits[0]


def plain_class(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[str]:
    names = loaded(run)[0].config.id2label
    return [names[int(logits_of(run, row["text"]).argmax())] for row in rows]


def plain_pair(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[str]:
    names = loaded(run)[0].config.id2label
    return [names[int(logits_of(run, row["text_a"], row["text_b"]).argmax())] for row in rows]


def plain_labels(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[list[str]]:
    names, threshold = loaded(run)[0].config.id2label, run.facts["threshold"]
    shares = [logits_of(run, row["text"]).sigmoid().tolist() for row in rows]
    return [[names[i] for i, share in enumerate(row) if share >= threshold] for row in shares]


def plain_number(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[Any]:
    return [pytest.approx(float(logits_of(run, row["text"])), abs=2e-5) for row in rows]


def plain_tags(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[list[str]]:
    model, tokenizer = loaded(run)
    answers = []
    for row in rows:
        encoded = tokenizer(row["tokens"], is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            best = model(**encoded).logits[0].argmax(-1).tolist()
        owners = encoded.word_ids(0)
        answers.append([model.config.id2label[best[owners.index(word)]] for word in range(len(row["tokens"]))])
    return answers


def plain_continuation(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[str]:
    """The tiny tokenizer puts an end token behind every text, which a prompt must not have."""
    model, tokenizer = loaded(run)
    answers = []
    for row in rows:
        ids = tokenizer(row["prompt"], return_tensors="pt", add_special_tokens=False)["input_ids"][:, :16]
        written = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids))
        answers.append(tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return answers


def plain_rewriting(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[str]:
    model, tokenizer = loaded(run)
    sources = [tokenizer(row["source"], truncation=True, max_length=16, return_tensors="pt") for row in rows]
    return [tokenizer.decode(model.generate(**each)[0], skip_special_tokens=True).strip() for each in sources]


def plain_image(run: Run, rows: list[dict[str, Any]], folder: Path) -> list[str]:
    model = transformers.AutoModelForImageClassification.from_pretrained(run.best_path).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(run.best_path, backend="pil")
    with torch.no_grad():
        pixels = [processor(Image.open(folder / row["image"]), return_tensors="pt") for row in rows]
        return [model.config.id2label[int(model(**each).logits.argmax())] for each in pixels]


PLAIN: dict[str, Callable[[Run, list[dict[str, Any]], Path], list[Any]]] = {
    "text-classification": plain_class,
    "pair": plain_pair,
    "multi-label": plain_labels,
    "regression": plain_number,
    "token-classification": plain_tags,
    "causal-lm": plain_continuation,
    "seq2seq": plain_rewriting,
    "image-classification": plain_image,
}
