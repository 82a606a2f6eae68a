"""The config a sweep recommends, as a file that `regtune train` runs as it is, with the reason at its top."""

from __future__ import annotations

import textwrap

from regtune.config import dump_config
from regtune.config.changes import with_changes
from regtune.config.schema import Config
from regtune.config.wording import show_value
from regtune.search.judging.sweep_result import SweepResult
from regtune.wording import printable

WIDTH = 110


def best_config(base: Config, result: SweepResult) -> str:
    """YAML. The base config unless another one is better beyond noise; comments say which and why.

    The split is fixed: with another training.seed the test rows stay those that no trial has seen.
    """
    verdict = result.verdict
    chosen = next(standing for standing in result.standings if standing.candidate == verdict.recommended)
    lines = [f"Recommended by the sweep {result.name}: {_name(chosen.candidate)}.", verdict.sentence]
    lines += [f"{key}: {show_value(value)}" for key, value in chosen.changes.items()]
    header = "".join(f"# {line}\n" for text in lines for line in textwrap.wrap(printable(text), WIDTH))
    return header + "\n" + dump_config(with_changes(base, {**chosen.changes, "data.split_seed": base.split_seed}))


def _name(candidate: str) -> str:
    return {"own": "your own config", "off": "your config with every technique off"}.get(
        candidate, f"trial {candidate}"
    )
