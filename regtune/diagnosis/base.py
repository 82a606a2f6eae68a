"""What a finding is, the facts it may look at, and the commands it may give."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from regtune.config import load_config
from regtune.config.schema import DropoutSettings
from regtune.history import Evaluation, History
from regtune.regularization.augmentation import OPERATIONS
from regtune.run import Run


@dataclass(frozen=True)
class Advice:
    """One step to take. command: what to type for it, as is; None when it is work outside regtune."""

    text: str
    command: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a run shows. advice: the document's procedure in its order, steps already taken left out."""

    name: str  # its key in FINDINGS and its file
    title: str  # a few words, no full stop
    evidence: str  # one line, with the numbers it rests on
    advice: tuple[Advice, ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All a finding may look at. history holds at least one evaluation."""

    history: History
    run_path: str  # e.g. "runs/small"
    config_name: str | None  # as the user typed it, e.g. "configs/small.yaml"; None: trained through the Python API
    overrides: tuple[str, ...]  # as the user typed them, e.g. ("training.epochs=5",)
    dropout: float | None  # p of the hidden sites; None: the model's own ("keep")
    dropout_key: str  # where that p is written
    can_smooth: bool  # smoothing is usual: not for numbers, nor where the loss is about the whole distribution
    reads_text: bool  # the task is one for the encoders of `regtune.diagnosis.sizes`
    can_augment: bool  # data augmentation suits the task and is off
    weight_decay: float
    patience: int | None  # evaluations
    smoothing: float
    epochs: int
    learning_rate: float  # peak
    seed: int
    rows: dict[str, int]  # {"train": 512, "validation": 128}, "test" when there is one
    class_counts: dict[str, int]  # training rows by class; empty: the task has no classes
    chance_loss: float  # of answering every row with the class shares of the training rows (their mean, in regression)
    steps: int  # optimizer steps if early stopping never fires
    parameters: int

    @property
    def evaluations(self) -> list[Evaluation]:
        """Those whose two losses are numbers, in step order."""
        return [e for e in self.history if math.isfinite(e.train_loss) and math.isfinite(e.validation_loss)]

    @property
    def kept(self) -> Evaluation:
        """The evaluation whose weights the run kept. Call it only when one has finite losses."""
        return self.history.best or self.evaluations[-1]


def facts_of(run: Run) -> Facts:
    """The facts of a run, read from its folder: config.yaml, history.jsonl, run.json and data.json."""
    config, written = load_config(run.config_path), run.facts
    plan = written["plan"]
    regularization, training = config.regularization, config.training
    dropout, dropout_key = regularization.dropout, "regularization.dropout"
    if isinstance(dropout, DropoutSettings):
        dropout, dropout_key = dropout.hidden, "regularization.dropout.hidden"
    return Facts(
        history=run.history,
        run_path=str(run.path),
        config_name=written["config_name"],
        overrides=tuple(written["overrides"]),
        dropout=None if isinstance(dropout, str) else dropout,
        dropout_key=dropout_key,
        can_smooth=plan["answer_kind"] not in ("number", "none"),
        reads_text=written["task"] not in ("image-classification", "causal-lm", "seq2seq"),
        can_augment=bool(OPERATIONS[written["task"]]) and regularization.augmentation == 0.0,
        weight_decay=regularization.weight_decay,
        patience=regularization.patience,
        smoothing=regularization.smoothing,
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        seed=training.seed,
        rows=plan["rows"],
        class_counts=run.read_json("data.json")["counts"]["train"],
        chance_loss=plan["chance_loss"],
        steps=plan["steps"],
        parameters=plan["parameters"],
    )


def train_command(facts: Facts, **changes: str) -> str:
    """The user's own command with keys changed: train_command(facts, **{"training.epochs": "40"}).

    A run in a folder the user chose gets another one, named after the last change: runs are never overwritten. Folders
    under the config's name are numbered by themselves. A run without a config's name starts from its own config.yaml,
    which holds every override and no folder.
    """
    if facts.config_name is None:
        return _command(str(Run(Path(facts.run_path)).config_path), (), changes)
    if not re.fullmatch(rf"runs/{re.escape(Path(facts.config_name).stem)}(-\d+)?", facts.run_path):
        key, value = list(changes.items())[-1]
        suffix = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{key.rpartition('.')[2]}-{value}")
        changes = {**changes, "output": f"{facts.run_path}-{suffix}"}
    return _command(facts.config_name, facts.overrides, changes)


def _command(config: str, overrides: Sequence[str], changes: Mapping[str, str]) -> str:
    unchanged = [override for override in overrides if override.partition("=")[0] not in changes]
    return shlex.join(["regtune", "train", config, *unchanged, *(f"{key}={value}" for key, value in changes.items())])


def number(value: float) -> str:
    """Four significant digits, as a config would spell them: 0.0532, 5e-5."""
    return re.sub(r"e-0", "e-", f"{value:.4g}")
