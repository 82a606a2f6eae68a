"""Is the end of a sweep true? Its verdict and its choice against a large test set and an exhaustive small grid.

    python benchmarks/sweep_honesty.py --finetune full                  one sweep, full fine-tuning of minilm
    python benchmarks/sweep_honesty.py --finetune head --draws 10       ten sweeps of ten draws, the head alone

    [--set snips_slots] [--workers 2] [--data FOLDER] [--keep FOLDER] [--json FILE]

200 rows are drawn from a public set; up to 1,500 others are the test set, which no sweep sees. A draw is:

1. the sweep: 20 configs on one fold, the best confirmed on others, 38 runs, a verdict
2. what other tools do with as many runs: 38 random configs, one run each, the lowest validation loss wins (with
   --finetune full left out unless --random 38; the grid's own argmin, 36 runs, is always there)
3. the truth: all 36 points of a grid over the same space, the user's own config, and every config that any of the above
   chose, trained several times (--repeats) on the 200 rows and scored on the test set (see sweep_truth.py)

Regret: test loss of what was chosen minus that of the grid's best point, nats per row. The grid's best is the lowest of
36 noisy means, so it looks better than it is and every regret is a little too high, the same for all. The argmin of the
grid is taken in each repetition and scored in the others. --keep: done draws and unfinished work are not done again.

Time, on two quiet cores: a draw with `full` is 38 + 2 × 41 = 120 runs of 6 epochs × 10 steps of 16 rows, about 20 s
of one core each, and 5 s for 1,500 test rows: (120 × 20 + 82 × 5) / 2 s = 23 minutes. With `head` it is 76 + 3 × 43 =
205 runs of 1 to 2 s: 2 to 3 minutes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honesty_judged import choices, judge
from honesty_tables import print_draw, print_rates
from results import machine
from sweep_parts import DATA, FILES, OneThreadEach, prepare_file, run_sweep, write_draw, write_sweep
from sweep_truth import measure
from tested_worker import heads_work

ROWS = 200
TRIALS, CONFIRM, FOLDS = 20, 9, 5  # the defaults: 20 + 9 + 3 × 3 = 38 runs
RUNS = 38


@dataclass(frozen=True)
class Mode:
    """rates: of the grid. own_rates: the user's own learning rate, another for each draw in turn."""

    finetune: str
    epochs: int
    batch_size: int
    rates: tuple[float, float, float]
    own_rates: tuple[float, ...]
    decay: float  # of the grid, beside 0
    random: int  # runs of the random search
    repeats: int

    @property
    def space(self) -> dict[str, Any]:
        return {
            "regularization.dropout": {"low": 0.0, "high": 0.5, "step": 0.05},
            "regularization.weight_decay": [0.0, self.decay / 10, self.decay],
            "regularization.smoothing": {"low": 0.0, "high": 0.3, "step": 0.05},
            "training.learning_rate": {"low": self.rates[0] / 2, "high": self.rates[2] * 2, "log": True},
        }

    @property
    def grid(self) -> list[dict[str, Any]]:
        """3 dropouts × 2 decays × 2 smoothings × 3 rates = 36 points."""
        axes = ((0.0, 0.1, 0.3), (0.0, self.decay), (0.0, 0.1), self.rates)
        return [dict(zip(self.space, point, strict=True)) for point in itertools.product(*axes)]

    def config(self, draw: int) -> dict[str, Any]:
        """The user's own: the usual recipe."""
        return {
            "task": "text-classification",
            "model": {"name": "minilm", "finetune": self.finetune},
            "data": {"text": "text", "label": "label", "max_length": 64},
            "regularization": {"dropout": 0.1, "weight_decay": 0.01, "smoothing": 0.1, "patience": 3},
            "training": {
                "epochs": self.epochs,
                "batch_size": self.batch_size,
                "learning_rate": self.own_rates[draw % len(self.own_rates)],
                "seed": draw,
                "device": "cpu",
            },
        }


MODES = {
    # 6 × 10 steps: Σ lr is about 0.009 at 3e-4, so a decay of 10 shrinks weights by 9 %.
    "full": Mode("full", 6, 16, rates=(1e-4, 3e-4, 9e-4), own_rates=(1.5e-4,), decay=10.0, random=0, repeats=2),
    # 20 × 5 steps: Σ lr is about 5 at 0.1, so a decay of 0.1 shrinks weights by 39 %. Own is near the best rate, then
    # too low, then too high, in turn.
    "head": Mode("head", 20, 32, rates=(0.03, 0.1, 0.3), own_rates=(0.1, 0.03, 0.3), decay=0.1, random=RUNS, repeats=3),
}


def measure_draw(mode: Mode, draw: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One draw, from its rows to what came of it, as plain values."""
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"draw {draw}, {(time.monotonic() - began) / 60:.1f} min: {what}", flush=True)

    train, test = write_draw(options.set, options.data, folder, rows=ROWS, seed=draw)
    config = mode.config(draw)
    config["data"]["train"] = str(train)
    launch = OneThreadEach(options.workers, heads_work)
    shared = {"space": mode.space, "folds": FOLDS}
    path = write_sweep(folder, "sweep", config, **shared, trials=options.trials, confirm=options.confirm)
    result, records = run_sweep(path, launch)
    say(result.verdict.sentence)
    random = None
    if options.random:
        other = write_sweep(folder, "random", config, **shared, trials=options.random, confirm=0, sampler="random")
        _, random = run_sweep(other, launch)
        say("random search done")
    prepared = prepare_file(path)
    chosen = choices(result, records, random, base=prepared.config, space=prepared.space)
    grid = mode.grid[:: options.thin]
    truths = measure(
        prepared.config,
        [*grid, *chosen.all],
        folder / "truth",
        repetitions=options.repeats,
        test=test,
        workers=options.workers,
    )
    say("truth measured")
    return {
        "draw": draw,
        "own_rate": config["training"]["learning_rate"],
        "minutes": (time.monotonic() - began) / 60,
        **judge(result, chosen, grid, truths),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--finetune", choices=tuple(MODES), default="full")
    parser.add_argument("--set", choices=tuple(FILES), default="snips_slots")
    parser.add_argument("--draws", type=int, default=1, help="of 200 rows, each with a sweep and a grid of its own")
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    parser.add_argument("--workers", type=int, default=2, help="processes with one thread each")
    parser.add_argument("--random", type=int, help="runs of the random search; 0: none")
    parser.add_argument("--repeats", type=int, help="runs of each config whose truth is measured, at least 2")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with one folder a set")
    parser.add_argument("--keep", type=Path, help="keep everything in this folder, and go on from there")
    parser.add_argument("--json", type=Path, help="write what was found into this file")
    parser.add_argument("--trials", type=int, default=TRIALS, help="to try the script")
    parser.add_argument("--confirm", type=int, default=CONFIRM, help="to try the script")
    parser.add_argument("--thin", type=int, default=1, help="every so many points of the grid, to try the script")
    options = parser.parse_args()
    mode = MODES[options.finetune]
    options.random = mode.random if options.random is None else options.random
    options.repeats = mode.repeats if options.repeats is None else options.repeats
    if not (options.data / options.set).is_dir():
        parser.error(f"{options.data}: no folder {options.set} in it; name the one with the data sets with --data")
    print(f"{machine()}\n", flush=True)
    draws = []
    with tempfile.TemporaryDirectory() as scratch:
        place = (options.keep or Path(scratch)).absolute()
        for draw in range(options.first, options.first + options.draws):
            folder = place / f"{options.finetune}-{options.set}-{draw}"
            done = folder / "draw.json"
            if not done.exists():
                found = measure_draw(mode, draw, folder, options)
                done.write_text(json.dumps(found), encoding="utf-8")
            draws.append(json.loads(done.read_text(encoding="utf-8")))
            print_draw(draws[-1])
    print_rates(draws)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "draws": draws}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
