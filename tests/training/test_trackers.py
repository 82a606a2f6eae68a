"""Trackers are checked before anything is spent on a run."""

import pytest

from regtune.errors import ConfigError, EnvironmentFault
from regtune.training import trackers
from regtune.training.trackers import check_trackers


def test_an_unknown_tracker_is_a_config_error_listing_the_known() -> None:
    with pytest.raises(ConfigError, match=r"unknown tracker 'tensorbord', allowed are .*tensorboard"):
        check_trackers(["tensorbord"])


def test_a_tracker_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "get_available_reporting_integrations", lambda: ["tensorboard"])

    with pytest.raises(EnvironmentFault, match="wandb is not installed") as caught:
        check_trackers(["wandb"])

    assert caught.value.hint == "pip install wandb"


def test_no_tracker_is_fine() -> None:
    check_trackers([])
