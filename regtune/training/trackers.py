"""`training.report_to`: the experiment trackers that come with the Trainer."""

from __future__ import annotations

from collections.abc import Sequence

from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, get_available_reporting_integrations

from regtune.errors import ConfigError, EnvironmentFault


def check_trackers(names: Sequence[str]) -> None:
    """Raise ConfigError for a name the Trainer does not know, EnvironmentFault for a tracker that is not installed."""
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            allowed = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
            raise ConfigError(f"training.report_to: unknown tracker {name!r}, allowed are {allowed}")
        if name not in get_available_reporting_integrations():
            raise EnvironmentFault(f"training.report_to: {name} is not installed", hint=f"pip install {name}")
