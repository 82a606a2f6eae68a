"""When evaluations are due, and that a failing listener cannot end a run."""

import logging

import pytest

from regtune.training.conductor import evaluation_steps, tell
from regtune.training.listener import Listener


@pytest.mark.parametrize(
    ("steps_per_epoch", "epochs", "per_epoch", "expected"),
    [
        (10, 2, 1, {10, 20}),
        (10, 2, 2, {5, 10, 15, 20}),
        (7, 1, 3, {2, 5, 7}),  # 7/3 = 2.33, 14/3 = 4.67
        (3, 1, 3, {1, 2, 3}),
    ],
)
def test_evaluations_are_evenly_spaced_and_end_each_epoch(
    steps_per_epoch: int, epochs: int, per_epoch: int, expected: set[int]
) -> None:
    due = evaluation_steps(steps_per_epoch=steps_per_epoch, epochs=epochs, evaluations_per_epoch=per_epoch)

    assert due == expected


def test_a_failing_listener_is_logged_and_the_next_one_still_hears(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Listener):
        def on_end(self) -> None:
            raise ZeroDivisionError

    class Hearing(Listener):
        heard = False

        def on_end(self) -> None:
            self.heard = True

    hearing = Hearing()
    with caplog.at_level(logging.ERROR):
        tell([Failing(), hearing], lambda listener: listener.on_end())

    assert hearing.heard
    assert "listener Failing failed" in caplog.text
