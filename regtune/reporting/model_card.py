"""best/README.md: the model card, with the same figures as the report, in the form the Hugging Face hub reads."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from regtune.reporting.effect_panel import effect_pairs
from regtune.reporting.predictions import ITEMS, class_figures, read_predictions
from regtune.reporting.summary import best_text, stop_text
from regtune.run import Run, write_text
from regtune.training.effect import Effect
from regtune.wording import printable

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
MINILM_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"  # where the weights of `minilm` were published
HUB_TASKS = {  # the hub's name, where it has another one
    "multi-label": "text-classification",
    "regression": "text-classification",
    "causal-lm": "text-generation",
    "seq2seq": "text2text-generation",
}
PIPELINE = "from transformers import pipeline"
USES = {  # by task, the lines that ask the model
    "text-classification": (PIPELINE, "", 'classify = pipeline("text-classification", model="PATH_OF_THIS_FOLDER")'),
    "multi-label": (
        PIPELINE,
        "",
        'score = pipeline("text-classification", model="PATH_OF_THIS_FOLDER", top_k=None)  # a probability per label',
    ),
    "regression": (
        PIPELINE,
        "",
        'rate = pipeline("text-classification", model="PATH_OF_THIS_FOLDER", function_to_apply="none")',
    ),
    "token-classification": (PIPELINE, "", 'tag = pipeline("token-classification", model="PATH_OF_THIS_FOLDER")'),
    "image-classification": (PIPELINE, "", 'classify = pipeline("image-classification", model="PATH_OF_THIS_FOLDER")'),
    "causal-lm": (PIPELINE, "", 'write = pipeline("text-generation", model="PATH_OF_THIS_FOLDER")'),
    "seq2seq": (
        "from transformers import AutoModelForSeq2SeqLM, AutoTokenizer",
        "",
        'model = AutoModelForSeq2SeqLM.from_pretrained("PATH_OF_THIS_FOLDER")',
        'tokenizer = AutoTokenizer.from_pretrained("PATH_OF_THIS_FOLDER")',
        'written = model.generate(**tokenizer(["a text"], return_tensors="pt"))',
        "tokenizer.batch_decode(written, skip_special_tokens=True)",
    ),
}


def write_model_card(run: Run) -> Path:
    """Write the card of a completed run into its best/ folder. Returns its path."""
    path = run.best_path / "README.md"
    write_text(path, "\n".join([*front_matter(run.facts), "", *body(run)]) + "\n")
    return path


def front_matter(facts: dict[str, Any]) -> list[str]:
    """The YAML block the hub reads. Strings are quoted as JSON, which YAML takes, whatever they hold."""
    lines = [
        "library_name: transformers",
        f"pipeline_tag: {HUB_TASKS.get(facts['task'], facts['task'])}",
        "tags: [regtune]",
    ]
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
        f"`{_markdown(plan['model'])}` fine-tuned with regtune for {plan['task']} on {plan['rows']['train']} rows"
        + (f", {len(plan['classes'])} classes." if plan["classes"] else "."),
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
        *(_class_lines(run, plan) if plan["answer_kind"] in ITEMS else []),
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
        *USES[facts["task"]],
        "```",
    ]


def _class_lines(run: Run, plan: dict[str, Any]) -> list[str]:
    predictions = read_predictions(run.predictions_path, classes=plan["classes"])
    lines = [
        f"| {_markdown(figures.name)} | {_share(figures.precision)} | {_share(figures.recall)} | {_share(figures.f1)} "
        f"| {figures.rows} |"
        for figures in class_figures(predictions, kind=plan["answer_kind"], classes=plan["classes"])
    ]
    head = [
        "## Classes, on the validation rows",
        "",
        "| class | precision | recall | F1 | rows |",
        "|---|---|---|---|---|",
    ]
    return [*head, *lines, ""]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _markdown(text: str) -> str:
    """Text that neither starts Markdown nor HTML nor ends a table cell."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(printable(text), quote=False))
