"""A picture of a run's live table, for a README: `python -m regtune.reporting.picture RUN -o table.svg`."""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path

from rich.console import Console

from regtune.reporting.effect_panel import print_effect
from regtune.reporting.pairs import print_pairs
from regtune.reporting.summary import summary_pairs
from regtune.reporting.table import TableFacts, evaluation_table
from regtune.run import Run, open_run, write_text
from regtune.training.effect import Effect

WIDTH = 112  # characters: the longest command of the demo run


def record_svg(run: Run) -> str:
    """What the terminal showed of a completed run, as one SVG that loads no font from elsewhere."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=WIDTH,
        force_terminal=True,
        color_system="truecolor",
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    facts = run.facts
    print_effect(console, Effect.from_dict(facts["effect"]))
    console.print()
    console.print(evaluation_table(console, run.history, TableFacts.of_run(facts)))
    console.print()
    print_pairs(console, summary_pairs(facts, run_path=str(run.path)))
    svg = console.export_svg(title=f"regtune train {facts['plan']['config_name']}", unique_id="regtune")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a completed run")
    parser.add_argument("-o", "--output", type=Path, required=True, help="SVG file to write")
    arguments = parser.parse_args()
    write_text(arguments.output, record_svg(open_run(arguments.run)))


if __name__ == "__main__":
    main()
