"""The output of sweep_honesty.py: a draw in ten lines, and rates over draws."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from honesty_judged import NEAR, RECOMMENDED

Draw = dict[str, Any]

AGREEMENTS = {  # (verdict, what the test rows say of the same difference): in words
    ("better", "better"): "right",
    ("better", "not distinguishable"): "not confirmed",
    ("better", "worse"): "WRONG",
    ("worse", "worse"): "right",
    ("worse", "not distinguishable"): "not confirmed",
    ("worse", "better"): "WRONG",
    ("not distinguishable", "not distinguishable"): "right",
    ("not distinguishable", "better"): "missed a gain",
    ("not distinguishable", "worse"): "right to keep own",
}


def agreement(draw: Draw) -> str:
    """Whether the verdict on the table's first against own is what the large test set says."""
    if draw["test"] is None:
        return "nothing to compare: own is the first of the table"
    return AGREEMENTS[draw["verdict"], draw["test"]["outcome"]]


def print_draw(draw: Draw) -> None:
    print(f"\ndraw {draw['draw']}: own learning rate {draw['own_rate']:g}, {draw['minutes']:.0f} minutes")
    print(f"verdict                {draw['sentence']}")
    if draw["test"] is not None:
        test = draw["test"]
        rows = test["rows"] // draw["repetitions"]
        print(
            f"on {rows:,} test rows    {test['value']:+.4f} (95 % CI {test['low']:+.4f} to {test['high']:+.4f},"
            f" {draw['repetitions']} runs of each): {test['outcome']}"
        )
    print(f"the verdict is         {agreement(draw)}")
    points, best = draw["grid_points"], draw["grid_best"]
    print(
        f"grid's best            {best:.4f} nats per test row, of {points} points × {draw['repetitions']} runs"
        f" (picked by the other runs: {draw['grid_best_fair']:.4f})"
    )
    for name, regret in draw["regrets"].items():
        print(f"  {name:<30} regret {regret:+.4f}   {draw['runs'][name]:>3} runs")
    print(f"trial-epochs to within {NEAR:.0%} of the grid's best: {near_text(draw)}\n", flush=True)


def near_text(draw: Draw) -> str:
    epochs, whole = draw["near_epochs"], draw["grid_epochs"]
    if epochs is None:
        return f"never; the sweep took {draw['sweep_epochs']:.0f}, the grid {whole:.0f}"
    once = whole / draw["repetitions"]
    return (
        f"{epochs:.0f}, {epochs / whole:.1%} of the grid's {whole:.0f} (goal <= 10 %); {epochs / once:.1%} of a grid of"
        " one run per point"
    )


def print_rates(draws: Sequence[Draw]) -> None:
    """Over several draws: how often the verdict is right, and regrets with their spread."""
    if len(draws) < 2:
        return
    print(f"{len(draws)} draws\n\nverdicts")
    for words, count in Counter(f"{draw['verdict']}: {agreement(draw)}" for draw in draws).most_common():
        print(f"  {count:>3}  {words}")
    held = [
        draw["validation"]["low"] <= draw["test"]["value"] <= draw["validation"]["high"]
        for draw in draws
        if draw["test"] is not None and draw["validation"] is not None
    ]
    print(f"  {sum(held)} of {len(held)} intervals hold the difference on the test rows")
    print("\nregret against the grid's best, nats per test row: mean ± its standard error, median, highest; runs")
    for name in draws[0]["regrets"]:
        regrets = [draw["regrets"][name] for draw in draws]
        error = statistics.stdev(regrets) / len(regrets) ** 0.5
        print(
            f"  {name:<30} {statistics.mean(regrets):+.4f} ± {error:.4f}   {statistics.median(regrets):+.4f}"
            f"   {max(regrets):+.4f}   {draws[0]['runs'][name]:>3}"
        )
    print("\nregret of the sweep's recommendation minus that of the other, paired by draw: mean ± standard error")
    for name in draws[0]["regrets"]:
        if name != RECOMMENDED:
            gains = [draw["regrets"][RECOMMENDED] - draw["regrets"][name] for draw in draws]
            error = statistics.stdev(gains) / len(gains) ** 0.5
            print(f"  {name:<30} {statistics.mean(gains):+.4f} ± {error:.4f}")
    shares = [draw["near_epochs"] / draw["grid_epochs"] for draw in draws if draw["near_epochs"] is not None]
    print(f"\nwithin {NEAR:.0%} of the grid's best: {len(shares)} of {len(draws)} draws", end="")
    if shares:
        print(
            f", after a median of {statistics.median(shares):.1%} of the grid's trial-epochs"
            f" ({min(shares):.1%} to {max(shares):.1%}; goal <= 10 %), as one run per point"
            f" {statistics.median(shares) * draws[0]['repetitions']:.1%}",
            end="",
        )
    print()
