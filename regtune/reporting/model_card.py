"""best/README.md: the model card, with the same figures as the report, in the form the Hugging Face hub reads."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from regtune.reporting.effect_panel import effect_pairs
from regtune.reporting.predictions import class_figures, read_predictions
from regtune.reporting.summary import best_text, stop_text
from regtune.run import Run, write_text
from regtune.training.effect import Effect
from regtune.wording import printable

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
MINILM_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"  # where the weights of `minilm` were published


def write_model_card(run: Run) -> Path:
    """Write the card of a completed run into its best/ folder. Returns its path."""
    path = run.best_path / "README.md"
    write_text(path, "\n".join([*front_matter(run.facts), "", *body(run)]) + "\n")
    return path


def front_matter(facts: dict[str, Any]) -> list[str]:
    """The YAML block the hub reads. Strings are quoted as JSON, which YAML takes, whatever they hold."""
    lines = ["library_name: transformers", f"pipeline_tag: {facts['task']}", "tags: [regtune]"]
    base_model = hub_id(facts["model"])
    if base_model is not None:
        lines.append(f"base_model: {json.dumps(base_model)}")
    return ["---", *lines, "---"]


def hub_id(model: str) -> str | None:
    """The hub's name of the model that was tuned; None for a local folder or a model built from scratch."""
    if model == "minilm":
        return MINILM_HUB_ID
    is_hub_id = model != "tiny" and HUB_ID.fullmatch(model) is not None and not Path(model).exists()
    return model if is_hub_id else None


def body(run: Run) -> list[str]:
    """The card's Markdown, one line each."""
    facts = run.facts
    plan, split = facts["plan"], "validation" if facts["test"] is None else "test"
    return [
        f"# {_markdown(run.name)}",
        "",
        f"`{_markdown(plan['model'])}` fine-tuned with regtune for {plan['task']} on {plan['rows']['train']} rows, "
        f"{len(plan['classes'])} classes.",
        "",
        f"## Results on {facts[split]['rows']} {split} rows, with 95 % intervals",
        "",
        "| metric | value | low | high |",
        "|---|---|---|---|",
        *(
            f"| {name} | {i['value']:.4f} | {i['low']:.4f} | {i['high']:.4f} |"
            for name, i in facts[split]["metrics"].items()
        ),
        "",
        *(["These rows chose the weights, so the figures flatter them.", ""] if split == "validation" else []),
        f"Training: {stop_text(facts)}. Best at {best_text(facts['best'])}.",
        "",
        "## Classes, on the validation rows",
        "",
        "| class | precision | recall | F1 | rows |",
        "|---|---|---|---|---|",
        *_class_lines(run, plan["classes"]),
        "",
        "## Regularization",
        "",
        *(
            f"- {_markdown(f'{label}: {value}' if label else value)}"
            for label, value in effect_pairs(Effect.from_dict(facts["effect"]))
        ),
        "",
        "## Use",
        "",
        "```python",
        "from transformers import pipeline",
        "",
        f'classify = pipeline("{facts["task"]}", model="PATH_OF_THIS_FOLDER")',
        "```",
    ]


def _class_lines(run: Run, classes: list[str]) -> list[str]:
    return [
        f"| {_markdown(figures.name)} | {_share(figures.precision)} | {_share(figures.recall)} | {_share(figures.f1)} "
        f"| {figures.rows} |"
        for figures in class_figures(read_predictions(run.predictions_path, classes=classes), classes=classes)
    ]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _markdown(text: str) -> str:
    """Text that neither starts Markdown nor HTML nor ends a table cell."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(printable(text), quote=False))
