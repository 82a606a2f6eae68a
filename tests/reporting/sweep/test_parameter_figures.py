import math
import re
from dataclasses import replace

import pytest

from regtune.reporting.sweep.parameter_axis import axis_of
from regtune.reporting.sweep.parameter_figures import axis_limits, curve_figure, parameter_figure, points_of
from tests.reporting.sweep.sweep_pieces import (
    DECAY,
    OWN_VALUES,
    SMOOTHING,
    SPACE,
    board_of,
    changes_of,
    record_of,
    result_of,
    search_records,
)

ONE_KEY = (SPACE[1],)  # a panel takes half a second to lay out


def figure_of(result=None):
    result = result_of(space=ONE_KEY) if result is None else result
    return parameter_figure(result, points_of(result, search_records()), width_inches=9.0)


@pytest.fixture(scope="module")
def svg():
    """The figure of a whole sweep."""
    return figure_of(result_of())


def test_every_parameter_has_a_panel(svg):
    assert all(f">{name}<" in svg for name in ("dropout", "weight_decay", "smoothing", "learning_rate"))


def test_own_best_and_confirmed_trials_are_named(svg):
    assert all(f">{name}<" in svg for name in ("your own config", "best", "search, one run", "confirmed, mean ± std"))


def test_the_figures_are_bare_svg_in_the_colours_of_the_page():
    for svg in (figure_of(), curve_figure(result_of(), search_records(), width_inches=9.0)):
        assert svg.startswith("<svg ")
        assert "http" not in svg
        assert "var(--validation)" in svg
        assert "#01020" not in svg


def test_all_figures_of_a_page_have_ids_of_their_own():
    result = result_of(space=ONE_KEY)
    points = points_of(result, search_records())
    figures = [parameter_figure(result, points, width_inches=width) for width in (9.0, 4.2)]
    figures += [curve_figure(result, search_records(), width_inches=width) for width in (9.0, 4.2)]

    clips = [set(re.findall('clipPath id="([^"]+)"', svg)) for svg in figures]

    assert sum(len(ids) for ids in clips) == len(set().union(*clips))


def test_the_same_sweep_gives_the_same_bytes():
    assert figure_of() == figure_of()


def test_several_runs_are_drawn_at_their_mean():
    points = {point.candidate: point for point in points_of(result_of(), search_records())}

    assert points["3"].objective == pytest.approx(0.5204)
    assert points["3"].std == pytest.approx(0.02215, abs=1e-5)
    assert points["off"].objective == pytest.approx(0.601)
    assert points["off"].std is None


def test_own_is_drawn_first_and_the_best_last():
    names = [point.candidate for point in points_of(result_of(), search_records())]

    assert names[0] == "own"
    assert names[-1] == "3"


def test_running_and_failed_trials_are_no_points():
    assert {point.candidate for point in points_of(result_of(), search_records())} == {"own", "off", "2", "3"}


def test_a_trial_far_astray_does_not_press_the_others_flat():
    _, high = axis_limits([0.50, 0.52, 0.54, 0.56, 40.0], higher_is_better=False)

    assert high < 1.0


def test_a_trial_beyond_the_axis_is_named():
    records = (*search_records(), record_of("9", 40.0, changes=changes_of(0.1, 0.1, 0.1, 1e-4)))

    result = result_of(space=ONE_KEY)

    assert ">beyond the axis<" in parameter_figure(result, points_of(result, records), width_inches=9.0)


def test_a_single_trial_has_an_axis():
    low, high = axis_limits([0.5], higher_is_better=False)

    assert low < 0.5 < high


def test_choices_stand_side_by_side_whatever_they_are():
    axis = axis_of({"key": "model.name", "choices": ["minilm", None, True]}, ["minilm", "own one"])

    assert dict(axis.names) == {"minilm": 0.0, "off": 1.0, "true": 2.0, "own one": 3.0}


def test_a_technique_that_is_off_has_a_place_left_of_the_numbers():
    axis = axis_of(SPACE[1], [0.01, 0.0])

    assert axis.position(0.01) == 0.01
    assert 0 < axis.position(0.0) < 0.001


def test_zero_is_a_number_where_the_scale_reaches_it():
    assert axis_of(SPACE[0], [0.0, 0.1]).position(0.0) == 0.0


def test_the_users_own_value_widens_the_axis():
    assert axis_of(SPACE[1], [0.5]).high == 0.5


@pytest.mark.parametrize("name", ["$x$", "$", "</script><img>", "漢字", "\x1b[31m", "{\\frac"])
def test_names_are_text_and_no_formula(name):
    result = result_of(space=({"key": SMOOTHING, "choices": [name, 0.1]},), own_values={**OWN_VALUES, SMOOTHING: name})

    svg = figure_of(result)

    assert "<img" not in svg
    assert "\x1b" not in svg


def test_a_metric_points_up():
    result = result_of(objective="accuracy", higher_is_better=True, space=ONE_KEY)

    assert "validation accuracy" in parameter_figure(result, points_of(result, search_records()), width_inches=4.2)


def test_curves_of_one_evaluation_are_seen():
    history = board_of(search_records()).records[0].history
    record = record_of("own", 0.5, history=type(history)(history.evaluations[:1]))

    assert "your own config" in curve_figure(result_of(), [record], width_inches=9.0)


def test_a_loss_that_is_no_number_leaves_a_hole():
    record = search_records()[0]
    record.history.evaluations[2] = replace(record.history.evaluations[2], validation_loss=math.nan)

    assert curve_figure(result_of(), [record], width_inches=9.0).startswith("<svg ")


def test_a_constant_parameter_is_drawn():
    result = result_of(space=ONE_KEY)
    records = [record_of("own", 0.5, changes={DECAY: 0.0})]

    assert parameter_figure(result, points_of(result, records), width_inches=4.2).startswith("<svg ")
