"""What was asked for, by kind of site, and the errors for what a model cannot give."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.dropout_sites import DropoutKind
from regtune.models.trace import Trace

HIDDEN: frozenset[DropoutKind] = frozenset({"attention_output", "feed_forward"})


@dataclass(frozen=True, kw_only=True)
class Request:
    """Probabilities in [0, 1). embedding None: as the architecture couples it."""

    hidden: float
    classifier: float
    attention: float
    embedding: float | None

    def wanted(self, kind: DropoutKind) -> float | None:
        """None: leave the model's own value."""
        values: dict[DropoutKind, float | None] = {
            "attention_output": self.hidden,
            "feed_forward": self.hidden,
            "classifier": self.classifier,
            "attention_probabilities": self.attention,
            "embedding": self.embedding,
            "inner": None,
        }
        return values[kind]


def check_reach(model: PreTrainedModel, trace: Trace, request: Request) -> None:
    """Raise ConfigError for each key above 0 that reaches no site."""
    kinds = {site.kind for site in trace.sites}
    reached = {
        "hidden": bool(trace.branches),
        "classifier": trace.head is not None,
        "attention": "attention_probabilities" in kinds,
        "embedding": "embedding" in kinds,
    }
    problems = [
        f"regularization.dropout: {type(model).__name__} has no place for {key} dropout, got {getattr(request, key)}"
        for key, is_reached in reached.items()
        if getattr(request, key) and not is_reached
    ]
    if problems:
        raise ConfigError(*problems, hint="set that kind to 0 or leave it out, or use regularization.dropout=keep")


def cannot_place(model: PreTrainedModel, reason: str) -> ConfigError:
    return ConfigError(
        f"dropout cannot be placed in {type(model).__name__}: {reason}",
        hint="use regularization.dropout=keep to train with the model's own dropout",
    )


def find_shortfall(trace: Trace, request: Request) -> str | None:
    """The first way in which the dropout of a probe forward is not the dropout asked for; None: it is.

    Every branch and the head must be dropped once, at the value asked for; 0 means not at all.
    """
    for branch in trace.branches:
        if not _drops_once(branch.probabilities, request.hidden):
            return f"{branch.kind} {branch.module} has dropout {list(branch.probabilities)}, wanted {request.hidden}"
    if trace.head is not None and not _drops_once(trace.head.probabilities, request.classifier):
        return f"{trace.head.module} has dropout {list(trace.head.probabilities)}, wanted {request.classifier}"
    for site in trace.sites:
        wanted = request.wanted(site.kind)
        if wanted is not None and site.probability != wanted:
            return f"{site.kind} {site.path} has dropout {site.probability}, wanted {wanted}"
    return None


def _drops_once(probabilities: tuple[float, ...], wanted: float) -> bool:
    return [p for p in probabilities if p > 0] == ([wanted] if wanted > 0 else [])
