import math
from dataclasses import replace

from regtune.history import History
from regtune.reporting.figures import loss_figure


def test_the_figure_marks_best_and_stop(history):
    svg = loss_figure(history, width_inches=9.0)

    assert "best, epoch 3" in svg
    assert "stop, epoch 6" in svg


def test_a_run_that_did_not_stop_has_no_stop_mark(history):
    assert "stop, epoch" not in loss_figure(History(history.evaluations[:4]), width_inches=9.0)


def test_the_figure_is_bare_svg_in_the_colours_of_the_page(history):
    svg = loss_figure(history, width_inches=9.0)

    assert svg.startswith("<svg ")
    assert "http" not in svg
    assert "var(--validation)" in svg
    assert "#01020" not in svg


def test_the_same_history_gives_the_same_bytes(history):
    assert loss_figure(history, width_inches=9.0) == loss_figure(history, width_inches=9.0)


def test_two_figures_on_one_page_share_no_id(history):
    wide, narrow = (loss_figure(history, width_inches=width).split('clipPath id="')[1][:12] for width in (9.0, 4.2))

    assert wide != narrow


def test_a_loss_that_is_not_a_number_leaves_a_hole(history):
    broken = replace(history.last, validation_loss=math.nan, train_loss=math.nan)

    assert loss_figure(History([*history.evaluations[:5], broken]), width_inches=9.0).startswith("<svg ")
