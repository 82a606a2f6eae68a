"""The page of an ablation: complete, harmless, and the same every time."""

from __future__ import annotations

import html
import math
from dataclasses import replace
from pathlib import Path

from regtune.reporting.ablation.figure import contribution_figure
from regtune.reporting.ablation.report import ablation_page, write_ablation_report
from regtune.reporting.ablation.words import ablation_caveats, ablation_sentences
from tests.reporting.ablation.ablations import ONE_TECHNIQUE, PATIENCE, RESULT, SMOOTHING, difference


def test_the_page_says_what_the_text_says(tmp_path: Path) -> None:
    path = write_ablation_report(RESULT, tmp_path / "report.html", name="small.yaml", config="task: x\nmodel: tiny\n")

    page = html.unescape(path.read_text("utf-8"))
    for words in (*ablation_sentences(RESULT), *ablation_caveats(RESULT), *RESULT.failures):
        assert words in page
    assert "task: x\nmodel: tiny" in page
    assert page.count("<svg") == 2


def test_text_from_outside_is_escaped() -> None:
    hostile = "<script>alert(1)</script>"

    page = ablation_page(replace(RESULT, failures=(hostile,)), name=hostile, config=hostile)

    assert "<script" not in page
    assert "http://" not in page


def test_one_technique_has_a_page() -> None:
    page = ablation_page(ONE_TECHNIQUE, name="c", config="x")

    assert "<h2>Patience</h2>" not in page
    assert "<h2>Failed" not in page


def test_the_figure_has_a_panel_per_measure_and_names_every_technique() -> None:
    figure = contribution_figure(RESULT, width_inches=9)

    for words in ("NLL, less is better", "macro_f1, more is better", "ece, less is better", "smoothing", "patience"):
        assert words in figure


def test_the_same_result_is_the_same_figure() -> None:
    assert contribution_figure(RESULT, width_inches=4) == contribution_figure(RESULT, width_inches=4)


def test_an_interval_without_an_end_is_left_out() -> None:
    endless = {**SMOOTHING.in_recipe.differences, "loss": difference("loss", 1.0, -1.0, math.inf)}
    result = replace(
        RESULT,
        contributions=(PATIENCE, replace(SMOOTHING, in_recipe=replace(SMOOTHING.in_recipe, differences=endless))),
    )

    assert "inf" not in contribution_figure(result, width_inches=9)
