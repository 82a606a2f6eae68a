"""The end of repeats in a few lines: each number's mean and spread over the runs, what failed, what the spread holds.

Read from repeats.json, whose keys are:
    status            "completed" (some runs may have failed), "failed" (all), "running" or "interrupted"
    config_name, overrides   as the user typed them
    seeds, folds      how many of each; 1: the config's own
    data              {side: SHA-256 of its file} at the start
    repeats           fields of regtune.search.repeats.folder.Repeat, one per run
    figures           see regtune.search.repeats.figures.figures_of
    out_of_fold       see regtune.evaluation.out_of_fold.write_out_of_fold; null without folds
    notes             one sentence each
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from regtune.reporting.console import standard_output
from regtune.reporting.number_text import figure
from regtune.reporting.pairs import Pair, print_pairs
from regtune.reporting.summary import interval_text
from regtune.search.repeats.folder import RepeatsFolder

CHOSEN = "the best epoch was chosen on these rows, which flatters them"


def print_repeats(folder: RepeatsFolder, *, console: Console | None = None) -> None:
    """Print the lines of `repeats_pairs` after a blank line. console: left out, standard output."""
    console = console if console is not None else standard_output()
    console.print()
    print_pairs(console, repeats_pairs(folder.facts, path=str(folder.path)))


def repeats_pairs(facts: Mapping[str, Any], *, path: str) -> list[Pair]:
    """Label and value of each line for completed repeats; see the module's docstring for the keys of facts."""
    repeats = facts["repeats"]
    finished = [one["name"] for one in repeats if one["status"] == "completed"]
    pooled = facts["out_of_fold"]
    files = "repeats.json, out_of_fold.csv" if pooled else "repeats.json"
    return [
        ("finished", f"{len(finished)} of {len(repeats)} runs"),
        *failed_pairs(repeats),
        *spread_pairs("validation", facts["figures"]["validation"], remark=f"; {CHOSEN}"),
        *(spread_pairs("test", facts["figures"]["test"], remark="") if "test" in facts["figures"] else []),
        *(pooled_pairs(pooled, seeds=facts["seeds"]) if pooled else []),
        *(("spread" if place == 0 else "", line) for place, line in enumerate(spread_text(facts))),
        ("runs", f"{path} ({files}, {finished[0]}/ …)"),
        ("next", f"regtune runs {shlex.quote(path)}"),
        ("", f"regtune evaluate {shlex.quote(f'{path}/{finished[0]}')} --data FILE"),
    ]


def failed_pairs(repeats: list[Mapping[str, Any]]) -> list[Pair]:
    """Each run without a result, with its reason."""
    failed = [f"{one['name']}: {one['error']}" for one in repeats if one["status"] == "failed"]
    return [("failed" if place == 0 else "", line) for place, line in enumerate(failed)]


def spread_pairs(side: str, spreads: Mapping[str, Mapping[str, Any]], *, remark: str) -> list[Pair]:
    """A line for each number of one side under a line of headers."""
    width = max(len(name) for name in spreads)
    most = max(one["runs"] for one in spreads.values())
    lines = [f"{name:<{width}}  {spread_line(one, most=most)}" for name, one in spreads.items()]
    runs = "1 run" if most == 1 else f"{most} runs"
    return [(side, f"mean ± std, min, max of {runs}{remark}"), *(("", line) for line in lines)]


def spread_line(spread: Mapping[str, Any], *, most: int) -> str:
    """ "0.8121 ± 0.0130  0.7961  0.8290"; a number that some runs lack says how many have it."""
    numbers = (
        f"{figure(spread['mean'])} ± {figure(spread['std'])}  {figure(spread['lowest'])}  {figure(spread['highest'])}"
    )
    runs = "1 run" if spread["runs"] == 1 else f"{spread['runs']} runs"
    return numbers + (f"  ({runs})" if spread["runs"] < most else "")


def pooled_pairs(pooled: Mapping[str, Any], *, seeds: int) -> list[Pair]:
    """All rows together, each answered by the model that did not train on it."""
    of_seeds = f", mean of {seeds} seeds" if seeds > 1 else ""
    width = max(len(name) for name in pooled["metrics"])
    lines = [f"{name:<{width}}  {interval_text(interval)}" for name, interval in pooled["metrics"].items()]
    head = f"{pooled['rows']} rows, each by the model that did not train on it, 95 % intervals over rows{of_seeds}"
    return [("out of fold", head), *(("", line) for line in (*lines, *pooled["notes"]))]


def spread_text(facts: Mapping[str, Any]) -> list[str]:
    """What the std holds, and what it does not."""
    if facts["folds"] == 1:
        return [
            "std is the luck of training alone (new head, row order, dropout): all runs have the same rows,"
            " and other rows would add to it"
        ]
    lines = [
        "std is the luck of training and of which rows are held out; the runs share training rows, so std/√runs is"
        " no standard error of the mean"
    ]
    if "test" in facts["figures"]:
        lines.append("the test rows are the same in every run: its std does not hold their luck")
    return lines
