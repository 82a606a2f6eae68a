"""Whether a model does what was asked for, read off a second trace."""

from __future__ import annotations

from regtune.models.dropout.knobs import Survey
from regtune.models.dropout.request import HIDDEN, Request
from regtune.models.trace import Trace


def find_shortfall(trace: Trace, request: Request) -> str | None:
    """The first way in which the dropout of a probe forward is not the dropout asked for; None: it is.

    Every branch and every head must be dropped once, at the value asked for; 0 means not at all. Convolutions may be
    without.
    """
    for branch in trace.branches:
        is_left_out = branch.is_convolution and not branch.probabilities
        if not is_left_out and not _drops_once(branch.probabilities, request.hidden):
            place = branch.modules[-1] if branch.modules else "without a module of its own"
            return f"{branch.kind} {place} has dropout {list(branch.probabilities)}, wanted {request.hidden}"
    for head in trace.heads:
        if not _drops_once(head.probabilities, request.head):
            return f"{head.module} has dropout {list(head.probabilities)}, wanted {request.head}"
    for site in trace.sites:
        wanted = request.wanted(site.kind)
        is_silenced = site.probability == 0 and site.kind in HIDDEN | {"classifier"}  # another of the same end acts
        if wanted is not None and site.probability != wanted and not is_silenced:
            return f"{site.kind} {site.path} has dropout {site.probability}, wanted {wanted}"
    return None


def find_stray_hook(survey: Survey) -> str | None:
    """Path of a module whose added dropout also acts where none belongs, because the module has a second use."""
    wanted = HIDDEN | {"classifier"}
    for site in survey.trace.sites:
        knob = survey.knob(site)
        if knob is not None and knob.is_added and site.kind not in wanted:
            return site.path
    return None


def _drops_once(probabilities: tuple[float, ...], wanted: float) -> bool:
    return [p for p in probabilities if p > 0] == ([wanted] if wanted > 0 else [])
