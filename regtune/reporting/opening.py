"""The first lines of a run: what is trained, on what, where it goes, and what reading the data found."""

from __future__ import annotations

from regtune.reporting.number_text import count
from regtune.reporting.pairs import Pair
from regtune.training.listener import Plan

CLASSES_LISTED = 12


def opening_pairs(plan: Plan) -> list[Pair]:
    """Label and value of each line."""
    schedule = f"at most {plan.epochs} epochs × {plan.steps_per_epoch} steps = {plan.steps} steps"
    pairs = [
        ("model", f"{plan.model}, {count(plan.parameters)} parameters"),
        ("task", plan.task),
        ("device", plan.device),
        ("rows", " · ".join(f"{split} {rows}" for split, rows in plan.rows.items())),
        *([("classes", class_list(plan.classes))] if plan.classes else []),
        ("schedule", f"{schedule}, {plan.evaluations} evaluations"),
        ("run", str(plan.run_path)),
    ]
    if plan.resumed_at_step is not None:
        pairs.append(("resumed", f"at step {plan.resumed_at_step} of {plan.steps}"))
    return pairs + [("note" if number == 0 else "", note) for number, note in enumerate(plan.notes)]


def class_list(classes: tuple[str, ...]) -> str:
    """ "3: a, b, c"; beyond twelve classes the rest is counted."""
    names = ", ".join(classes[:CLASSES_LISTED])
    rest = len(classes) - CLASSES_LISTED
    return f"{len(classes)}: {names}" + (f" and {rest} more" if rest > 0 else "")
