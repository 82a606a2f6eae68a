"""A small labelled file for every task, with rows of unequal lengths, and one finished run on each."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from regtune import api
from regtune.config import parse_config
from regtune.config.schema import Config
from regtune.run import Run

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200)}
THINGS = ("apple", "hammer", "robin", "plum", "saw", "finch", "melon")
ROWS = 30


def words(i: int) -> list[str]:
    """Two to seven words, different in every row."""
    return [THINGS[(i + k * (i // 7 + 1)) % 7] for k in range(1 + i % 6)] + [f"n{i}"]


def text(i: int) -> str:
    return " ".join(words(i))


def make_row(case: str, i: int) -> dict[str, Any]:
    colour = list(COLOURS)[i % 3]
    return {
        "text-classification": {"text": f"{colour} {text(i)}", "label": colour},
        "pair": {"text_a": text(i), "text_b": f"{colour} {text(i + 1)}", "label": colour},
        "multi-label": {"text": text(i), "labels": sorted({"fruit", "tool", "bird"} & set(kinds(i)))},
        "regression": {"text": text(i), "score": round(0.25 + i / 10, 2)},
        "token-classification": {"tokens": words(i), "tags": [tag(word) for word in words(i)]},
        "causal-lm": {"prompt": text(i), "completion": f" is {colour}" + " indeed" * (i % 4)},
        "seq2seq": {"source": text(i), "target": " ".join(reversed(words(i)))},
        "image-classification": {"image": f"images/{i}.png", "label": colour},
    }[case]


def kinds(i: int) -> list[str]:
    kind = dict(zip(THINGS, ("fruit", "tool", "bird", "fruit", "tool", "bird", "fruit"), strict=True))
    return [kind[word] for word in words(i)[:2] if word in kind and i % 5]


def tag(word: str) -> str:
    return {"apple": "B-fruit", "plum": "B-fruit", "melon": "I-fruit", "saw": "B-tool"}.get(word, "O")


def write_rows(folder: Path, case: str, rows: list[dict[str, Any]]) -> Path:
    """JSONL where a cell is a list or a text that may hold anything, CSV elsewhere; images beside it."""
    if case == "image-classification":
        (folder / "images").mkdir(exist_ok=True)
        for i in range(ROWS):
            shade = tuple(part + 2 * i - 20 if part > 100 else part for part in COLOURS[list(COLOURS)[i % 3]])
            Image.new("RGB", (8, 8), shade).save(folder / "images" / f"{i}.png")
    if case in ("multi-label", "token-classification", "causal-lm"):
        path = folder / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return path
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def config_on(path: Path, output: Path, *overrides: str) -> Config:
    return parse_config(
        f"""
model: tiny
data: {{train: {path}, validation: 0.2, test: 0.2, max_length: 16, max_target_length: 6}}
regularization: {{dropout: 0.1, patience: 3}}
training: {{epochs: 2, batch_size: 6, learning_rate: 1e-3, device: cpu}}
output: {output}
""",
        name="test.yaml",
        overrides=overrides,
    )


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., Config]:
    """make_config(case, "training.epochs=1", …): tiny model, 18 training rows, 3 steps an epoch; task inferred.

    cells: values that the fifth row has instead.
    """

    def make(case: str, *overrides: str, cells: dict[str, Any] | None = None) -> Config:
        rows = [make_row(case, i) | (cells or {} if i == 4 else {}) for i in range(ROWS)]
        return config_on(write_rows(tmp_path, case, rows), tmp_path / "run", *overrides)

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Run, Path]]:
    """finished(case): a completed run and the file it was trained on; each case is trained once."""
    runs: dict[str, tuple[Run, Path]] = {}

    def of(case: str) -> tuple[Run, Path]:
        if case not in runs:
            folder = tmp_path_factory.mktemp(case)
            path = write_rows(folder, case, [make_row(case, i) for i in range(ROWS)])
            runs[case] = api.train(config_on(path, folder / "run")), path
        return runs[case]

    return of
