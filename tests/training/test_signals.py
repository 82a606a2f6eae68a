"""Stop signals: the first is noted, the second acts as if regtune had no handler."""

import os
import signal

import pytest

from regtune.training.signals import StopRequested, StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_only_asks(number: signal.Signals) -> None:
    with StopSignals() as signals:
        os.kill(os.getpid(), number)

        with pytest.raises(StopRequested):
            signals.poll()
        assert signals.number == number


def test_the_second_ctrl_c_interrupts_at_once() -> None:
    with StopSignals():
        os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_previous_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


def test_poll_is_silent_without_a_signal() -> None:
    with StopSignals() as signals:
        signals.poll()

    assert signals.number is None
