"""An ablation as text, to the letter."""

from __future__ import annotations

import io
from dataclasses import replace

from regtune.reporting.ablation.table import (
    ablation_lines,
    arm_rows,
    contribution_rows,
    direction_text,
    heading,
    print_ablation,
    stopping_rows,
    table_lines,
)
from regtune.reporting.console import make_console
from tests.reporting.ablation.ablations import ONE_TECHNIQUE, REGRESSION, RESULT, arm


def test_the_tables() -> None:
    lines = ablation_lines(RESULT, name="small.yaml")

    assert lines[: lines.index("") + 18] == [
        "ablation of small.yaml: 3 arms × 5 folds, 9 of 15 runs, 600 validation rows",
        "",
        "arm                           NLL       macro_f1            ece  epochs  s/run",
        "full                0.612 ± 0.031  0.812 ± 0.031  0.041 ± 0.031     7.2   12.3",
        "no smoothing (4/5)  0.612 ± 0.031  0.812 ± 0.031  0.041 ± 0.031     7.2   12.3",
        "nothing (0/5)                   –              –              –       –      –",
        "",
        "technique  measure   in the recipe              alone",
        "patience   NLL       the same                   –",
        "  3        macro_f1  the same                   –",
        "           ece       the same                   –",
        "smoothing  NLL       −0.031 [−0.050, −0.010] ★  −0.20 [−0.60, +0.20]",
        "  0.1      macro_f1  +0.012 [−0.010, +0.034]    +0.050 [+0.010, +0.090] ★",
        "           ece       +0.041 [+0.012, +0.070] ⚠  the same",
        "★ better, ⚠ worse, no sign: not distinguishable; 95 % intervals, paired",
        "less is better: NLL and ece; more is better: macro_f1",
        "",
        "patience       epochs     saved               same weights  last − best NLL",
        "in the recipe  7.2 of 20  61 % less training  5 of 5 folds  +0.210 ± 0.031",
    ]


def test_after_the_tables_come_sentences_failures_caveats_and_what_was_off() -> None:
    lines = ablation_lines(RESULT, name="small.yaml")

    failures = lines.index("failed and left out:")
    assert lines[failures - 2].startswith("smoothing: ")
    assert lines[failures + 1] == "- no smoothing, fold 2: out of memory"
    assert lines.index("what this cannot tell:") > failures
    assert lines[-1] == "without an arm, off in the config or never able to act: dropout, augmentation"


def test_nothing_failed_nothing_off_no_patience_no_lines_for_them() -> None:
    text = "\n".join(ablation_lines(ONE_TECHNIQUE, name="small.yaml"))

    assert "failed" not in text
    assert "without an arm" not in text
    assert "patience" not in text


def test_one_technique_has_one_column() -> None:
    assert contribution_rows(ONE_TECHNIQUE)[0] == ["technique", "measure", "in the recipe"]


def test_two_measures_leave_no_gap() -> None:
    pairs = replace(REGRESSION, contributions=ONE_TECHNIQUE.contributions, measures=("loss", "macro_f1"))

    assert [row[:2] for row in contribution_rows(pairs)[1:]] == [["smoothing", "squared error"], ["  0.1", "macro_f1"]]


def test_all_runs_done_are_counted_once() -> None:
    assert heading(ONE_TECHNIQUE, name="c.yaml") == "ablation of c.yaml: 2 arms × 5 folds, 10 runs, 600 validation rows"


def test_one_repetition_has_no_spread() -> None:
    full = arm("full")
    assert full.values is not None
    one = replace(full, values={name: replace(spread, std=None) for name, spread in full.values.items()})

    assert arm_rows(replace(RESULT, arms=(one,)))[1][:2] == ["full", "0.612"]


def test_the_direction_of_every_measure_is_said() -> None:
    assert direction_text(REGRESSION) == "less is better: squared error; more is better: pearson"


def test_without_patience_its_table_is_a_header_alone() -> None:
    assert len(stopping_rows(ONE_TECHNIQUE)) == 1


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table_lines([["a", "bb"], ["ccc", "d"]]) == ["a    bb", "ccc  d"]
    assert table_lines([["a", "bb"], ["ccc", "d"]], numbers=True) == ["a    bb", "ccc   d"]


def test_it_prints_where_signs_are_missing() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    print_ablation(RESULT, name="\x1b[31m.yaml", console=make_console(stream, environment={}))

    stream.seek(0)
    assert "-0.031 [-0.050, -0.010] *" in (text := stream.read())
    assert "\x1b" not in text
