"""The end of a run in a few lines: why it stopped, what was measured, what to try, where it lies.

Read from run.json of a completed run, whose keys are:
    status            "completed"
    config_name       as the user typed it; null: trained through the Python API without a name
    task, model, headline, notes
    plan              plain fields of regtune.training.listener.Plan
    effect            Effect.to_dict()
    stopped_because   "patience" or "epochs"
    best              {"step", "epoch", "train_loss", "validation_loss", "metrics": {name: value}}
    restored_equal    the restored weights re-evaluated to the recorded best, to the last bit
    duration_seconds  time spent, interruptions left out
    validation, test  {"rows": n, "metrics": {name: {"value", "low", "high"}}}; 95 % intervals; test null: no test
                      split; high null: open above; all three null: the output was not finite
    advice            {"title", "evidence", "command"} each, at most three; command "": work outside regtune
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from regtune.reporting.console import standard_output
from regtune.reporting.number_text import bounds, decimal, duration, figure, signed
from regtune.reporting.pairs import Pair, print_pairs
from regtune.run import Run


def print_summary(run: Run, *, console: Console | None = None) -> None:
    """Print the lines of `summary_pairs` after a blank line. console: left out, standard output."""
    console = console if console is not None else standard_output()
    console.print()
    print_pairs(console, summary_pairs(run.facts, run_path=str(run.path)))


def summary_pairs(facts: Mapping[str, Any], *, run_path: str) -> list[Pair]:
    """Label and value of each line for a completed run; see the module's docstring for the keys of facts."""
    command_path = shlex.quote(run_path)
    return [
        ("ended", f"{stop_text(facts)} ({duration(facts['duration_seconds'])})"),
        ("best", best_text(facts["best"])),
        ("restored", restored_text(facts)),
        *measured_pairs(facts),
        *advice_pairs(facts),
        ("run", f"{run_path} (report.html, best/, predictions.csv)"),
        ("next", f"regtune predict {command_path} FILE -o out.csv"),
        ("", f"regtune evaluate {command_path} --data FILE"),
    ]


def stop_text(facts: Mapping[str, Any]) -> str:
    """Why the run ended, in words: what was watched and for how long nothing happened."""
    plan = facts["plan"]
    watched = "validation loss" if plan["monitor"] == "loss" else f"validation {plan['monitor']}"
    evaluations = "evaluation" if plan["patience"] == 1 else f"{plan['patience']} evaluations"
    reasons = {
        "patience": f"early stopping: no better {watched} in the last {evaluations}",
        "epochs": f"all {plan['epochs']} epochs done",
    }
    return reasons[facts["stopped_because"]]


def best_text(best: Mapping[str, Any]) -> str:
    """When the best weights were seen, and what was measured then."""
    gap = best["validation_loss"] - best["train_loss"]
    validation, train, difference = (
        text.strip() for text in (decimal(best["validation_loss"]), decimal(best["train_loss"]), signed(gap))
    )
    losses = f"validation loss {validation}, train loss {train}, gap {difference}"
    return f"epoch {best['epoch']:.2f}, step {best['step']}: {losses}"


def restored_text(facts: Mapping[str, Any]) -> str:
    """Whether the weights in best/ are those of the best evaluation, as measured again."""
    rounding = "" if facts["restored_equal"] else " within rounding"
    return f"the best weights, re-evaluated equal to the record{rounding}"


def measured_pairs(facts: Mapping[str, Any]) -> list[Pair]:
    """The test split with 95 % intervals; the validation split, which chose the weights, where there is no test."""
    split = "validation" if facts["test"] is None else "test"
    result = facts[split]
    warning = " (it chose the weights, so it flatters them; set data.test)" if split == "validation" else ""
    names = result["metrics"]
    width = max(len(name) for name in names)
    lines = [f"{name:<{width}}  {interval_text(interval)}" for name, interval in names.items()]
    return [(split, f"{result['rows']} rows, 95 % intervals{warning}"), *(("", line) for line in lines)]


def interval_text(interval: Mapping[str, float | None]) -> str:
    """ "0.8121  [0.7450, 0.8680]"."""
    low, high = bounds(interval)
    return f"{figure(interval['value'])}  [{low}, {high}]"


def advice_pairs(facts: Mapping[str, Any]) -> list[Pair]:
    """Title with its evidence, then the command to try, where the step is a command."""
    pairs: list[Pair] = []
    for advice in facts["advice"]:
        pairs.append(("advice", f"{advice['title']}: {advice['evidence']}"))
        if advice["command"]:
            pairs.append(("", advice["command"]))
    return pairs
