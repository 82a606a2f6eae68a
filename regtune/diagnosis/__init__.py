"""What a run's curves say and what to do next. A new finding is one file here and one line in CAUSES or CAVEATS."""

from __future__ import annotations

from collections.abc import Callable

from regtune.diagnosis import (
    failed_optimisation,
    healthy,
    overfitting,
    small_validation,
    too_short,
    underfitting,
)
from regtune.diagnosis.base import Advice, Facts, Finding, facts_of

__all__ = ["CAUSES", "CAVEATS", "FINDINGS", "Advice", "Facts", "Finding", "advise", "diagnose", "facts_of"]

Find = Callable[[Facts], Finding | None]

CAUSES: dict[str, Find] = {  # worst first
    "failed_optimisation": failed_optimisation.find,
    "overfitting": overfitting.find,
    "underfitting": underfitting.find,
    "too_short": too_short.find,
}
CAVEATS: dict[str, Find] = {  # said after the verdict, whatever it is
    "small_validation": small_validation.find,
}
FINDINGS: dict[str, Find] = {**CAUSES, "healthy": healthy.find, **CAVEATS}


def diagnose(facts: Facts) -> list[Finding]:
    """The one verdict on the run, then its caveats; the verdict is `healthy` when no cause is found.

    The first cause that holds is the verdict: a run stuck at chance is not also judged by its gap.
    """
    causes = (find(facts) for find in CAUSES.values())
    verdict = next((finding for finding in causes if finding is not None), None) or healthy.find(facts)
    if not facts.evaluations:  # every loss was NaN: nothing to be cautious about
        return [verdict]
    caveats = (find(facts) for find in CAVEATS.values())
    return [verdict, *(finding for finding in caveats if finding is not None)]


def advise(findings: list[Finding], *, limit: int = 3) -> list[dict[str, str]]:
    """The findings as lines for the end of a run: at most `limit` dicts with title, evidence and command.

    One line per finding, its evidence ending with its first step; lines left over hold the verdict's following steps,
    right behind it. command is empty where the step is not one, and none is given twice.
    """
    verdict, *caveats = [
        _line(found.title, f"{found.evidence}; next: {found.advice[0].text}", found.advice[0]) for found in findings
    ]
    following = [_line("if that is not enough", step.text, step) for step in findings[0].advice[1:]]
    room = max(0, limit - 1 - len(caveats))
    lines = [verdict, *following[:room], *caveats][:limit]
    commands = [line["command"] for line in lines]
    return [line for i, line in enumerate(lines) if line["command"] == "" or line["command"] not in commands[:i]]


def _line(title: str, evidence: str, step: Advice) -> dict[str, str]:
    return {"title": title, "evidence": evidence, "command": step.command or ""}
