"""From a study's facts to its plan: one line per kind of study."""

from __future__ import annotations

from collections.abc import Callable

from regtune.search.ablation.arms import ablation_jobs
from regtune.search.settings import SweepSettings, repetitions
from regtune.search.study.facts import StudyFacts
from regtune.search.study.plan import FixedPlan, Plan, SweepPlan


def plan_of(facts: StudyFacts) -> Plan:
    return PLANS[facts.kind](facts)


def _ablation_plan(facts: StudyFacts) -> FixedPlan:
    settings = SweepSettings.model_validate(facts.settings)
    return FixedPlan(tuple(ablation_jobs(facts.base, repetitions(settings, seed=facts.base.training.seed))))


PLANS: dict[str, Callable[[StudyFacts], Plan]] = {"sweep": SweepPlan.of, "ablation": _ablation_plan}
