"""Which config field and which knob gets which value. Nothing here changes the model but `Plan.apply`."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel

from regtune.models.dropout.config_fields import read_field, write_field
from regtune.models.dropout.fields import Fields
from regtune.models.dropout.knobs import Knob, Survey
from regtune.models.dropout.request import HIDDEN, Request, cannot_place
from regtune.models.dropout_sites import DropoutKind


@dataclass(frozen=True, kw_only=True)
class Plan:
    """field_values: config fields to write. targets: by knob; a called knob that is missing keeps its own value."""

    survey: Survey
    fields: Fields
    field_values: dict[str, float]
    targets: dict[Knob, float]
    couplings: tuple[str, ...]  # what the embedding's dropout follows, where nothing was asked for it

    def apply(self, model: PreTrainedModel) -> None:
        """Fields first, with all they govern, then each knob that should have another value than its field."""
        for field, value in self.field_values.items():
            write_field(model.config, field, value)
            for knob in governed_by(field, self.survey, self.fields):
                knob.set(value)
        for knob, value in self.targets.items():
            knob.set(value)

    def notes(self, model: PreTrainedModel) -> tuple[str, ...]:
        """After `apply`: what a reader of the numbers asked for would not expect."""
        return (*self.couplings, *self._contradictions(model))

    def _contradictions(self, model: PreTrainedModel) -> list[str]:
        """Where the saved config.json and the model now differ."""
        notes: dict[str, None] = {}  # in order, each once
        for knob, value in self.targets.items():
            field = self.fields.field(knob)
            if field is not None and (stays := read_field(model.config, field)) != value and self.survey.kinds(knob):
                kinds = _listed(self.survey.kinds(knob))
                notes[f"{kinds} dropout is {value} on the module alone: {field} governs more, and stays {stays}"] = None
        return list(notes)


def make_plan(model: PreTrainedModel, survey: Survey, fields: Fields, request: Request) -> Plan:
    """Raises ConfigError when one knob governs sites that should get different values."""
    hidden_fields = {fields.field(knob) for knob in survey.knobs if survey.kinds(knob) & HIDDEN} - {None}
    silenced = silenced_knobs(survey, request)
    targets: dict[Knob, float] = {}
    couplings: dict[str, None] = {}
    for knob in survey.knobs:
        kinds, field = survey.kinds(knob), fields.field(knob)
        target = 0.0 if knob in silenced else _target(model, knob, kinds, request)
        follows_field = kinds == {"embedding"} and target is None and field is not None and field in hidden_fields
        if follows_field:
            target = request.hidden
            couplings[f"embedding dropout follows hidden: {field} governs both"] = None
        elif "embedding" in kinds and request.embedding is None and target is not None:
            name = field or f"{knob.path}.{knob.attribute}"
            others = "hidden" if kinds & HIDDEN else _listed(kinds - {"embedding"})
            couplings[f"embedding dropout follows {others}: {name} governs both"] = None
        if target is not None:
            targets[knob] = target
    values = {field: _field_value(field, survey, fields, targets, request) for field in fields.names}
    return Plan(
        survey=survey,
        fields=fields,
        field_values={field: value for field, value in values.items() if value is not None},
        targets=targets,
        couplings=tuple(couplings),
    )


def silenced_knobs(survey: Survey, request: Request) -> frozenset[Knob]:
    """Of several dropouts in a row one acts, the others are set to 0.

    T5's token classifier drops the encoder's output and then drops it again. The first that can act does, so that a
    module which is the embedding's dropout as well (T5) stays on.
    """
    ends = [(branch.probabilities, request.hidden) for branch in survey.trace.branches]
    ends += [(head.probabilities, request.head) for head in survey.trace.heads]
    silenced: set[Knob] = set()
    for probabilities, wanted in ends:
        knobs = survey.knobs_at(probabilities)
        if wanted and len(knobs) > 1 and not silenced.issuperset(knobs[1:]):
            silenced.update(_all_but_one(knobs, survey, request))
    return frozenset(silenced)


def _all_but_one(knobs: list[Knob], survey: Survey, request: Request) -> list[Knob]:
    """[] when none may act alone; the check after placing then names the place."""
    for acting in knobs:
        others = [knob for knob in knobs if knob is not acting]
        if len(_wanted(acting, survey, request)) == 1 and all(_may_be_silent(knob, survey, request) for knob in others):
            return others
    return []


def _may_be_silent(knob: Knob, survey: Survey, request: Request) -> bool:
    """It is of use at such an end alone, or what else it drops should not be dropped."""
    kinds = survey.kinds(knob)
    return len(kinds) == 1 or all(request.wanted(kind) == 0 for kind in kinds - HIDDEN - {"classifier"})


def _wanted(knob: Knob, survey: Survey, request: Request) -> set[float]:
    return {value for kind in survey.kinds(knob) if (value := request.wanted(kind)) is not None}


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


def _listed(kinds: frozenset[DropoutKind]) -> str:
    return " and ".join(sorted(kind.replace("_", " ") for kind in kinds))
