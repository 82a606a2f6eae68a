"""Results on public data sets: regtune with minilm against simple baselines, as a markdown table.

    python benchmarks/results.py [NAME …] [--data FOLDER] [--keep FOLDER]

Without names: all sets, the quick ones first, half an hour on two quiet cores. Sets, sizes and settings: real_sets.py;
baselines, fitted to the same training rows and scored on the same test rows: baselines.py. The interval is regtune's,
95 %, over the test rows alone. CPU is the training process's, user and system, with everything `regtune train` does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
from importlib.metadata import version
from pathlib import Path

from baselines import OF_TASK, unigram
from real_sets import SETS, RealSet, write_rows

DATA = Path(__file__).parents[2] / "shared" / "data"
COLUMNS = ("command", "task, model", "rows: train / validation / test", "test metric", "regtune", "baselines", "CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SETS)}")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with one folder a set")
    parser.add_argument("--keep", type=Path, help="keep rows and runs in this folder")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in SETS]
    if unknown:
        parser.error(f"no such set: {', '.join(unknown)}; there are {', '.join(SETS)}")
    if not options.data.is_dir():
        parser.error(f"{options.data}: no such folder; name the one with the data sets with --data")
    print(f"{machine()}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for name in options.names or SETS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = (options.keep or Path(scratch)) / name
            folder.mkdir(parents=True)
            print(f"| {' | '.join(measure(name, SETS[name], options.data / name, folder))} |", flush=True)


def measure(name: str, real: RealSet, source: Path, folder: Path) -> tuple[str, ...]:
    """Train and score one set; its line of the table."""
    from regtune.api import train
    from regtune.config import parse_config

    config = parse_config(
        json.dumps(
            {
                "task": real.task,
                "model": real.model,
                "data": json.loads(write_rows(real, source, folder)),
                "regularization": {} if real.smoothing is None else {"smoothing": real.smoothing},
                "training": {
                    "epochs": real.epochs,
                    "learning_rate": real.learning_rate,
                    "batch_size": real.batch_size,
                    "device": "cpu",
                },
                "output": str(folder / "run"),
            }
        ),
        name=name,
    )
    began = cpu_seconds()
    run = train(config, config_name=name)
    seconds = cpu_seconds() - began
    test = run.facts["test"]["metrics"][real.metric]
    sizes = [run.facts["plan"]["rows"][side] for side in ("train", "validation", "test")]
    return (
        f"`python benchmarks/results.py {name}`",
        f"{real.task}, {real.model}",
        " / ".join(f"{size:,}" for size in sizes),
        real.metric,
        f"**{shown(test['value'])}** [{shown(test['low'])}, {shown(test['high'])}]",
        " · ".join(f"{what} {shown(value)}" for what, value in baselines(config, real).items()),
        f"{seconds:.0f} s",
    )


def baselines(config, real: RealSet) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """Of the run with this config, on the rows it was trained and tested on."""
    from regtune.data.dataset import load_splits
    from regtune.tasks import TASKS
    from regtune.training.setup import prepare

    if real.task == "causal-lm":
        setup = prepare(config)
        return unigram(setup.train, setup.test, vocabulary=len(setup.loaded.processor))
    splits = load_splits(config.data, rules=TASKS[real.task], seed=config.training.seed)
    return OF_TASK[real.task](splits, metric=real.metric)


def shown(value: float) -> str:
    """Shares and correlations with three decimals, perplexities with one."""
    return f"{value:.3f}" if value < 2 else f"{value:,.1f}"


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def machine() -> str:
    """Where and with what the figures were measured, in one line."""
    import sklearn
    import torch
    import transformers

    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return (
        f"{len(os.sched_getaffinity(0))} cores ({names[0] if names else platform.machine()}),"
        f" {torch.get_num_threads()} threads, Python {platform.python_version()}, torch {torch.__version__},"
        f" transformers {transformers.__version__}, scikit-learn {sklearn.__version__}, regtune {version('regtune')}"
    )


if __name__ == "__main__":
    main()
