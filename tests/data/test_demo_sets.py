"""Sets that come with regtune."""

import pytest

from regtune.data import demo_sets
from regtune.data.sources import check_source, open_table
from regtune.data.table import Row, Table
from regtune.errors import DataError


@pytest.fixture
def dots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(demo_sets.MADE, "dots", lambda: Table("", ("n",), iter([Row(1, {"n": 7})])))


def test_a_made_set_bears_the_name_it_was_asked_by(dots: None) -> None:
    with open_table("demo:dots") as table:
        assert (table.path, [row.values for row in table.rows]) == ("demo:dots", [{"n": 7}])


def test_a_made_set_is_there_before_it_is_made(dots: None) -> None:
    check_source("demo:dots")


def test_an_unknown_name_lists_files_and_made_sets(dots: None) -> None:
    with pytest.raises(DataError) as caught:
        check_source("demo:digit")
    assert caught.value.hint is not None
    assert {"demo:dots", "demo:support"} <= set(caught.value.hint.removeprefix("known: ").split(", "))
