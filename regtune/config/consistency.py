"""Settings that are each allowed and cannot stand together; found without looking at the data."""

from __future__ import annotations

from regtune.config.document import KeyPath
from regtune.config.schema import Config
from regtune.config.wording import show_path, show_value


def contradictions(config: Config) -> list[tuple[KeyPath, str]]:
    """Each as the key to change and what is wrong with it; empty for a config that can be run."""
    return [*_decay_too_strong(config), *_nothing_pretrained(config), *_repeated_trackers(config)]


def _decay_too_strong(config: Config) -> list[tuple[KeyPath, str]]:
    """AdamW multiplies each weight by 1 − lr·λ at every step: zero wipes it, below zero turns its sign around."""
    rate, decay = config.training.learning_rate, config.regularization.weight_decay
    if rate * decay < 1:
        return []
    keys: list[KeyPath] = [("regularization", "weight_decay"), ("training", "learning_rate")]
    if "weight_decay" not in config.regularization.model_fields_set:  # then the file has a line only for the other
        keys.reverse()
    problem = (
        f"times {show_path(keys[1])} must be below 1, got λ·lr = {decay:g} × {rate:g} = {rate * decay:g}: "
        "every step would flip the sign of the weights"
    )
    return [(keys[0], problem)]


def _nothing_pretrained(config: Config) -> list[tuple[KeyPath, str]]:
    if config.regularization.weight_decay_target != "pretrained" or config.model != "tiny":
        return []
    problem = "must be zero with model tiny, got pretrained: tiny is built from scratch and has no pretrained weights"
    return [(("regularization", "weight_decay_target"), problem)]


def _repeated_trackers(config: Config) -> list[tuple[KeyPath, str]]:
    trackers = config.training.report_to
    return [
        (("training", "report_to", place), f"{show_value(tracker)} is listed twice")
        for place, tracker in enumerate(trackers)
        if tracker in trackers[:place]
    ]
