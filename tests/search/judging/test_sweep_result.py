import math
from dataclasses import replace

import pytest

from regtune.errors import EnvironmentFault
from regtune.search.judging.sweep_result import SweepResult, read_result, write_result
from tests.reporting.sweep.sweep_pieces import result_of, standing_of


def test_a_result_survives_its_file(tmp_path):
    path = tmp_path / "result.json"

    write_result(path, result_of())

    assert read_result(path) == result_of()


def test_a_value_that_is_no_number_survives_as_such():
    standing = replace(standing_of("own", [0.5]), values={0: math.nan}, mean=math.nan)

    again = SweepResult.from_json(result_of(standings=(standing,)).to_json()).standings[0]

    assert math.isnan(again.values[0])
    assert math.isnan(again.mean)


def test_the_next_config_lies_in_the_sweeps_folder():
    assert result_of().best_path == "runs/sweep/best.yaml"


def test_a_missing_result_says_when_it_comes(tmp_path):
    with pytest.raises(EnvironmentFault, match=r"result.json: cannot be read \(No such file or directory\)") as caught:
        read_result(tmp_path / "result.json")

    assert caught.value.hint == "the sweep writes it when it is done"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": 1}', "null", "[" * 10])
def test_anything_else_is_refused(tmp_path, text):
    (tmp_path / "result.json").write_text(text)

    with pytest.raises(EnvironmentFault, match=r"result.json: not the result of a sweep"):
        read_result(tmp_path / "result.json")
