"""What was asked for, by kind of site, and whether the model has a place for it."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.dropout_sites import DropoutKind
from regtune.models.trace import Trace

HIDDEN: frozenset[DropoutKind] = frozenset({"attention_output", "feed_forward"})


@dataclass(frozen=True, kw_only=True)
class Request:
    """Probabilities in [0, 1). classifier None: as hidden. embedding None: as the architecture couples it."""

    hidden: float
    classifier: float | None
    attention: float
    embedding: float | None

    @property
    def head(self) -> float:
        """Before the final layer."""
        return self.hidden if self.classifier is None else self.classifier

    def wanted(self, kind: DropoutKind) -> float | None:
        """None: leave the model's own value."""
        values: dict[DropoutKind, float | None] = {
            "attention_output": self.hidden,
            "feed_forward": self.hidden,
            "classifier": self.head,
            "attention_probabilities": self.attention,
            "embedding": self.embedding,
            "inner": None,
        }
        return values[kind]


def check_reach(model: PreTrainedModel, trace: Trace, request: Request) -> None:
    """Raise ConfigError for each key above 0 that reaches no site.

    Hidden that the classifier follows reaches something in a network of convolutions, too: its final layer.
    """
    kinds = {site.kind for site in trace.sites}
    reached = {
        "hidden": has_hidden_place(trace) or (request.classifier is None and bool(trace.heads)),
        "classifier": bool(trace.heads),
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


def has_hidden_place(trace: Trace) -> bool:
    """Whether some branch has dropout or may get it. Convolutions of images get none, see `placement`."""
    return any(branch.probabilities or not branch.is_convolution for branch in trace.branches)


def reach_notes(trace: Trace, request: Request) -> list[str]:
    """Where hidden dropout, asked for, was left out on purpose."""
    if not request.hidden:
        return []
    if not has_hidden_place(trace):
        return ["no attention and no feed-forward layer: dropout acts before the final layer alone"]
    if any(branch.is_convolution and not branch.probabilities for branch in trace.branches):
        return ["convolutions of images stay without dropout: it acts on the other layers"]
    return []


def cannot_place(model: PreTrainedModel, reason: str) -> ConfigError:
    return ConfigError(
        f"dropout cannot be placed in {type(model).__name__}: {reason}",
        hint="use regularization.dropout=keep to train with the model's own dropout",
    )
