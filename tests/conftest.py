"""Shared by all tests: a tiny labelled file, a config on it, and no network, no hub, one thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from regtune.config import parse_config
from regtune.config.schema import Config

# Three classes told apart by their words, so that a tiny model learns something in a few steps.
WORDS = {
    "fruit": ["apple", "pear", "plum", "cherry", "melon", "grape"],
    "tool": ["hammer", "saw", "drill", "plane", "file", "vise"],
    "bird": ["robin", "finch", "heron", "stork", "crane", "owl"],
}


def make_rows(count: int) -> list[tuple[str, str]]:
    """`count` distinct (text, label) rows, classes in turn, texts of two to six words."""
    rows = []
    for i in range(count):
        label = list(WORDS)[i % len(WORDS)]
        words = WORDS[label]
        rows.append((" ".join(words[(i + k * (i // 3 + 1)) % 6] for k in range(2 + i % 5)) + f" {i}", label))
    return rows


@pytest.fixture
def labelled_file(tmp_path: Path) -> Path:
    """60 rows, 20 of each class."""
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in make_rows(60)), "utf-8")
    return path


@pytest.fixture
def make_config(tmp_path: Path, labelled_file: Path) -> Callable[..., Config]:
    """A config for model tiny on the labelled file; give overrides as strings, e.g. "training.epochs=1"."""

    def make(*overrides: str) -> Config:
        text = f"""
model: tiny
data: {{train: {labelled_file}, validation: 0.2, test: 0.2, max_length: 16}}
regularization: {{dropout: 0.1, weight_decay: 0.01, patience: 3, smoothing: 0.1}}
training: {{epochs: 2, batch_size: 6, learning_rate: 1e-3, device: cpu}}
output: {tmp_path / "run"}
"""
        return parse_config(text, name="test.yaml", overrides=overrides)

    return make


@pytest.fixture(scope="session")
def saved_tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local model folder as `save_pretrained` leaves it: pretrained weights for tests."""
    from regtune.models.load import load_model
    from regtune.tasks import TASKS

    folder = tmp_path_factory.mktemp("model")
    loaded = load_model(
        "tiny",
        task=TASKS["text-classification"],
        label_names=tuple(WORDS),
        texts=[text for text, _ in make_rows(60)],
        max_length=64,
        seed=5,
    )
    loaded.model.save_pretrained(folder)
    loaded.processor.save_pretrained(folder)
    return folder
