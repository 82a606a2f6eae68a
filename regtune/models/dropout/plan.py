"""What was asked for, by kind of site; which config field and which knob gets which value; whether the model obeys.

Nothing here changes the model but `Plan.apply`.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.dropout.fields import Fields
from regtune.models.dropout.knobs import Knob, Survey
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


@dataclass(frozen=True, kw_only=True)
class Plan:
    """field_values: config fields to write. targets: by knob; a called knob that is missing keeps its own value."""

    survey: Survey
    fields: Fields
    field_values: dict[str, float]
    targets: dict[Knob, float]
    coupled_fields: tuple[str, ...]  # govern hidden and embedding sites alike, and nothing was asked for the embedding

    def apply(self, model: PreTrainedModel) -> None:
        """Fields first, with all they govern, then each knob that should have another value than its field."""
        for field, value in self.field_values.items():
            setattr(model.config, field, value)
            for knob in governed_by(field, self.survey, self.fields):
                knob.set(value)
        for knob, value in self.targets.items():
            knob.set(value)

    def notes(self, model: PreTrainedModel) -> tuple[str, ...]:
        """After `apply`: what a reader of the numbers asked for would not expect."""
        couplings = [f"embedding dropout follows hidden: {field} governs both" for field in self.coupled_fields]
        return (*couplings, *self._contradictions(model))

    def _contradictions(self, model: PreTrainedModel) -> list[str]:
        """Where the saved config.json and the model now differ."""
        notes: dict[str, None] = {}  # in order, each once
        for knob, value in self.targets.items():
            field = self.fields.field(knob)
            if field is not None and (stays := getattr(model.config, field)) != value:
                kinds = " and ".join(sorted(kind.replace("_", " ") for kind in self.survey.kinds(knob)))
                notes[f"{kinds} dropout is {value} on the module alone: {field} governs more, and stays {stays}"] = None
        return list(notes)


def make_plan(model: PreTrainedModel, survey: Survey, fields: Fields, request: Request) -> Plan:
    """Raises ConfigError when one knob governs sites that should get different values."""
    hidden_fields = {fields.field(knob) for knob in survey.knobs if survey.kinds(knob) & HIDDEN} - {None}
    targets: dict[Knob, float] = {}
    coupled: dict[str, None] = {}
    for knob in survey.knobs:
        field = fields.field(knob)
        target = _target(model, knob, survey.kinds(knob), request)
        if survey.kinds(knob) == {"embedding"} and target is None and field is not None and field in hidden_fields:
            target = request.hidden
            coupled[field] = None
        if target is not None:
            targets[knob] = target
    values = {field: _field_value(field, survey, fields, targets, request) for field in fields.names}
    return Plan(
        survey=survey,
        fields=fields,
        field_values={field: value for field, value in values.items() if value is not None},
        targets=targets,
        coupled_fields=tuple(coupled),
    )


def governed_by(field: str, survey: Survey, fields: Fields) -> list[Knob]:
    return [knob for knob in survey.knobs if fields.field(knob) == field]


def _target(model: PreTrainedModel, knob: Knob, kinds: frozenset[DropoutKind], request: Request) -> float | None:
    """None: nothing was asked for the sites of this knob."""
    wanted = {request.wanted(kind) for kind in kinds} - {None}
    if len(wanted) > 1:
        raise cannot_place(model, f"{knob.path}.{knob.attribute} is one value for {' and '.join(sorted(kinds))}")
    return wanted.pop() if wanted else None


def _field_value(
    field: str, survey: Survey, fields: Fields, targets: dict[Knob, float], request: Request
) -> float | None:
    """What to write into the config; None: the field is not usable, or nothing it governs was asked for."""
    governed = governed_by(field, survey, fields)
    kinds = frozenset[DropoutKind]().union(*(survey.kinds(knob) for knob in governed))
    is_attention_and_more = "attention_probabilities" in kinds and len(kinds) > 1
    if "inner" in kinds or is_attention_and_more or not fields.is_complete(field):
        return None
    if kinds & HIDDEN:
        return request.hidden
    values = {targets[knob] for knob in governed if knob in targets}
    return values.pop() if len(values) == 1 else None


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
