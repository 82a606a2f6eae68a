"""Place dropout, step by step, and list where it acts.

    survey     find branches, head and dropout calls, and the knob each call obeys     knobs, trace
    add        hook dropout in where a branch or the head has none                     hooks
    split      divide a module that attention probabilities share with other sites     split
    set        the config field where it governs the right sites, else the module      fields, plan
    verify     trace once more: every branch and the head dropped once, as asked       check

A field is used when nothing it governs lies inside the attention computation or inside a feed-forward layer. It then
takes the value for hidden sites if it governs any, and config.json will say so; a site it governs too but that should
have another value (the classifier, mostly) is set on its module afterwards, and a note says that config.json differs.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel

from regtune.models.dropout.check import find_shortfall, find_stray_hook
from regtune.models.dropout.config_fields import read_field
from regtune.models.dropout.fields import Fields, governing_fields
from regtune.models.dropout.hooks import InputDropout, OutputDropout
from regtune.models.dropout.knobs import Knob, Survey, survey_dropout
from regtune.models.dropout.plan import Plan, make_plan
from regtune.models.dropout.request import Request, cannot_place, check_reach, reach_notes
from regtune.models.dropout.split import split_dropout
from regtune.models.dropout_sites import DropoutSite
from regtune.models.trace import Trace, TracedBranch, trace_forward


@dataclass(frozen=True)
class Placement:
    """Where dropout acts after placing it. notes: couplings and fields of config.json that say something else."""

    sites: tuple[DropoutSite, ...]
    notes: tuple[str, ...]


def place_dropout(
    model: PreTrainedModel,
    probe: dict[str, Tensor],
    *,
    hidden: float,
    classifier: float | None = None,
    attention: float = 0.0,
    embedding: float | None = None,
) -> Placement:
    """Set the model's dropout, in place. Probabilities in [0, 1).

    probe: a small batch as the collator makes it. hidden: after attention and feed-forward layers. classifier: before
    the final layer; None: as hidden. attention: on attention probabilities. embedding: None follows hidden where one
    config field governs both, and is the model's own value elsewhere. Inside a feed-forward layer nothing changes.
    Call it again to change the numbers. Raises ConfigError for a probability above 0 that reaches no site, and for a
    model whose dropout cannot be made what was asked for.
    """
    request = Request(hidden=hidden, classifier=classifier, attention=attention, embedding=embedding)
    survey = survey_dropout(model, probe)
    check_reach(model, survey.trace, request)
    changes = [_add_missing(model, survey.trace, request), _split_shared(model, survey, request)]
    if any(changes):
        survey = survey_dropout(model, probe)
    plan = make_plan(model, survey, governing_fields(model, fill_unset=True), request)
    plan.apply(model)
    stray = find_stray_hook(survey)
    shortfall = f"{stray} has a second use" if stray else find_shortfall(trace_forward(model, probe), request)
    if shortfall is not None:
        raise cannot_place(model, shortfall)
    notes = (*plan.notes(model), *reach_notes(survey.trace, request))
    return Placement(sites=_listed(model, survey, plan.fields, plan), notes=notes)


def list_sites(model: PreTrainedModel, probe: dict[str, Tensor]) -> tuple[DropoutSite, ...]:
    """Every dropout site of the model as it is, in the order of execution. Changes nothing."""
    return _listed(model, survey_dropout(model, probe), governing_fields(model, fill_unset=False), None)


def _add_missing(model: PreTrainedModel, trace: Trace, request: Request) -> bool:
    """Hook dropout in behind branches and before heads that have none, where some is asked for; True: hooked."""
    # One module may end several branches: the layers of ALBERT are one. A hook acts at every call.
    bare_branches = [branch for branch in trace.branches if not branch.probabilities and not branch.is_convolution]
    ends = {_place_for_hook(model, branch, trace) for branch in bare_branches} if request.hidden else set()
    heads = {head.module for head in trace.heads if not head.probabilities} if request.head else set()
    for path in ends:
        model.get_submodule(path).register_forward_hook(OutputDropout(request.hidden))
    for path in heads:
        model.get_submodule(path).register_forward_pre_hook(InputDropout(request.head))
    return bool(ends or heads)


def _split_shared(model: PreTrainedModel, survey: Survey, request: Request) -> bool:
    """Give dropout modules that serve attention probabilities and other sites alike two values; True: some were."""
    was_split = False
    for knob in survey.knobs:
        sites = [site for site in survey.trace.sites if survey.knob(site) is knob]
        ranks = {site.rank for site in sites if site.kind == "attention_probabilities"}
        other_ranks = {site.rank for site in sites} - ranks
        wanted = {request.wanted(site.kind) for site in sites} - {None}
        if type(knob.holder) is nn.Dropout and len(ranks) == 1 and other_ranks and len(wanted) > 1:
            split_dropout(model, knob.path, probabilities_rank=ranks.pop())
            was_split = True
    return was_split


def _place_for_hook(model: PreTrainedModel, branch: TracedBranch, trace: Trace) -> str:
    """The outermost module that returns this branch, and no branch that has dropout already or is to have none."""
    others = [other for other in trace.branches if other.probabilities or other.is_convolution]
    taken = {path for other in others for path in other.modules}
    free = [path for path in branch.modules if path and path not in taken]
    if not free:
        raise cannot_place(model, "a branch is not the output of any module")
    return free[-1]


def _listed(model: PreTrainedModel, survey: Survey, fields: Fields, plan: Plan | None) -> tuple[DropoutSite, ...]:
    """Each path and kind once. plan None: the model is as it came."""
    sites: dict[DropoutSite, None] = {}
    for site in survey.trace.sites:
        knob = survey.knob(site)
        if knob is None:
            listed = DropoutSite(path=site.path, kind=site.kind, probability=site.probability, origin="module")
        elif site.kind not in survey.kinds(knob):
            continue  # RoBERTa's head calls its classifier dropout once more, further in
        else:
            origin = _origin(model, knob, fields, plan)
            listed = DropoutSite(path=site.path, kind=site.kind, probability=knob.value, origin=origin)
        sites[listed] = None
    return tuple(sites)


def _origin(model: PreTrainedModel, knob: Knob, fields: Fields, plan: Plan | None) -> str:
    if knob.is_added:
        return "added"
    field = fields.field(knob)
    was_set_directly = plan is not None and knob in plan.targets and field not in plan.field_values
    if field is None or was_set_directly or read_field(model.config, field) != knob.value:
        return "module"
    return f"field {field}"
