"""What a finding is, and the facts it may look at. Pure Python: `regtune diagnose` needs neither numpy nor torch."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regtune.history import Evaluation, History

if TYPE_CHECKING:
    from regtune.config.schema import Config


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
    config_name: str  # as the user typed it, e.g. "configs/small.yaml"
    overrides: tuple[str, ...] = ()  # as the user typed them, e.g. ("training.epochs=5",)
    model: str = "minilm"
    dropout: float | None = 0.1  # p of the hidden sites; None: the model's own ("keep")
    dropout_key: str = "regularization.dropout"  # where that p is written
    weight_decay: float = 0.01
    patience: int | None = 3  # evaluations
    smoothing: float = 0.1
    epochs: int = 20
    learning_rate: float = 5e-5
    seed: int = 0
    rows: dict[str, int]  # {"train": 512, "validation": 128}, "test" when there is one
    class_counts: dict[str, int]  # training rows by class, two classes or more
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


def facts_of(
    config: Config,
    *,
    history: History,
    run_path: str,
    config_name: str,
    overrides: tuple[str, ...] = (),
    rows: dict[str, int],
    class_counts: dict[str, int],
    steps: int,
    parameters: int,
) -> Facts:
    """Facts from a run's resolved config and what the run knew before its first step; see Facts for each."""
    regularization, training = config.regularization, config.training
    dropout, dropout_key = regularization.dropout, "regularization.dropout"
    if not isinstance(dropout, float | str):
        dropout, dropout_key = dropout.hidden, "regularization.dropout.hidden"
    return Facts(
        history=history,
        run_path=run_path,
        config_name=config_name,
        overrides=overrides,
        model=config.model,
        dropout=None if isinstance(dropout, str) else dropout,
        dropout_key=dropout_key,
        weight_decay=regularization.weight_decay,
        patience=regularization.patience,
        smoothing=regularization.smoothing,
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        seed=training.seed,
        rows=rows,
        class_counts=class_counts,
        steps=steps,
        parameters=parameters,
    )


def train_command(facts: Facts, **changes: str) -> str:
    """The user's own command with keys changed: train_command(facts, **{"training.epochs": "40"}).

    A run in a folder the user chose gets another one, named after the last change: runs are never overwritten. Folders
    under the config's name are numbered by themselves.
    """
    if not re.fullmatch(rf"runs/{re.escape(Path(facts.config_name).stem)}(-\d+)?", facts.run_path):
        key, value = list(changes.items())[-1]
        suffix = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{key.rpartition('.')[2]}-{value}")
        changes = {**changes, "output": f"{facts.run_path}-{suffix}"}
    unchanged = [override for override in facts.overrides if override.partition("=")[0] not in changes]
    words = ["regtune", "train", facts.config_name, *unchanged, *(f"{key}={value}" for key, value in changes.items())]
    return shlex.join(words)


def number(value: float) -> str:
    """Four significant digits, as a config would spell them: 0.0532, 5e-5."""
    return re.sub(r"e-0", "e-", f"{value:.4g}")
