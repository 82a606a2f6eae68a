"""python -m benchmarks.dropout_coverage [--only llama,t5] [--task seq2seq] [--workers 2] [-o FILE]

Verifies every pair of architecture and auto class and writes the report. A few minutes on two cores. With a filter
nothing is written unless -o names a file.
"""

from __future__ import annotations

import argparse
import signal
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import FrameType

import torch
import transformers

from benchmarks.dropout_coverage.report import markdown
from benchmarks.dropout_coverage.small_models import Pair, pairs
from benchmarks.dropout_coverage.verify import Verdict, verify

REPORT = Path(__file__).parents[2] / "regtune" / "regularization" / "dropout_coverage.md"
LIMIT_SECONDS = 60  # for one pair


def main() -> int:
    """Exit code 1 when a pair was placed wrongly or crashed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dropout_coverage", description=__doc__)
    parser.add_argument("--only", help="architectures, by comma")
    parser.add_argument("--task", help="a part of the auto class's name, such as seq2seq")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, help="where the report goes")
    options = parser.parse_args()
    chosen = [pair for pair in pairs() if _is_chosen(pair, options.only, options.task)]
    verdicts = []
    for verdict in verify_all(chosen, workers=options.workers):
        verdicts.append(verdict)
        if verdict.status != "verified":
            print(f"{verdict.status:11} {verdict.pair}: {verdict.reason}", flush=True)
    verified = sum(verdict.status == "verified" for verdict in verdicts)
    print(f"{verified} of {sum(verdict.status != 'unbuildable' for verdict in verdicts)} runnable pairs verified")
    output = options.output or (REPORT if len(chosen) == len(pairs()) else None)
    if output is not None:
        output.write_text(markdown(verdicts), encoding="utf-8")
        print(f"report: {output}")
    return int(any(verdict.status in {"wrong", "crashed"} for verdict in verdicts))


def verify_all(chosen: list[Pair], *, workers: int) -> Iterator[Verdict]:
    """In the order of `chosen`, as they are done."""
    with ProcessPoolExecutor(workers, initializer=_prepare_process) as pool:
        yield from pool.map(_verify_in_time, chosen)


def _is_chosen(pair: Pair, only: str | None, task: str | None) -> bool:
    return (only is None or pair.model_type in only.split(",")) and (task or "").lower() in pair.auto_class.lower()


def _prepare_process() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    signal.signal(signal.SIGALRM, _too_long)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {LIMIT_SECONDS} seconds")


def _verify_in_time(pair: Pair) -> Verdict:
    signal.alarm(LIMIT_SECONDS)
    try:
        return verify(pair)
    finally:
        signal.alarm(0)


if __name__ == "__main__":
    sys.exit(main())
