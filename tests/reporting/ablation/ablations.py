"""Ablation results as plain values, for the text, the figure and the report."""

from __future__ import annotations

from dataclasses import replace

from regtune.search.ablation.result import AblationResult, ArmResult, Comparison, Contribution, Spread, Stopping
from regtune.search.judging.result import Difference


def difference(measure, value, low, high, *, repetitions=5):
    """Its outcome is what the interval says; of macro_f1 more is better."""
    clear = low > 0 or high < 0
    is_better = (value > 0) == (measure == "macro_f1")
    return Difference(
        measure=measure,
        value=value,
        low=low,
        high=high,
        rows=600,
        repetitions=repetitions,
        outcome=("better" if is_better else "worse") if clear else "not distinguishable",
    )


def spread(mean, std=0.0312):
    return Spread(mean=mean, std=std, low=mean - 0.09, high=mean + 0.14, repetitions=5)


def arm(name, *techniques, finished=5):
    return ArmResult(
        name=name,
        techniques=techniques,
        finished=finished,
        planned=5,
        values={"loss": spread(0.6123), "macro_f1": spread(0.8121), "ece": spread(0.0412)} if finished else None,
        epochs=spread(7.2) if finished else None,
        seconds=spread(12.34) if finished else None,
    )


SMOOTHING = Contribution(
    technique="smoothing",
    setting=0.1,
    in_recipe=Comparison(
        candidate="full",
        reference="no smoothing",
        differences={
            "loss": difference("loss", -0.0312, -0.0504, -0.0101),
            "macro_f1": difference("macro_f1", 0.012, -0.01, 0.034),
            "ece": difference("ece", 0.041, 0.012, 0.07),
        },
        stands=("ece",),
        stopping=None,
    ),
    alone=Comparison(
        candidate="only smoothing",
        reference="nothing",
        differences={
            "loss": difference("loss", -0.2, -0.6, 0.2),
            "macro_f1": difference("macro_f1", 0.05, 0.01, 0.09),
            "ece": difference("ece", 0.0, 0.0, 0.0),
        },
        stands=("macro_f1",),
        stopping=None,
    ),
)
PATIENCE = Contribution(
    technique="patience",
    setting=3,
    in_recipe=Comparison(
        candidate="full",
        reference="no patience",
        differences={
            "loss": difference("loss", 0.0, 0.0, 0.0),
            "macro_f1": difference("macro_f1", 0.0, 0.0, 0.0),
            "ece": difference("ece", 0.0, 0.0, 0.0),
        },
        stands=(),
        stopping=Stopping(
            same_best=5,
            repetitions=5,
            epochs=7.2,
            epochs_without=20.0,
            saved=0.6123,
            last_minus_best=spread(0.21),
        ),
    ),
    alone=Comparison(candidate="only patience", reference="nothing", differences={}, stands=(), stopping=None),
)
RESULT = AblationResult(
    task="text-classification",
    loss_unit="nats per row",
    measures=("loss", "macro_f1", "ece"),
    higher_is_better={"loss": False, "macro_f1": True, "ece": False},
    repeated_by="fold",
    repetitions=5,
    rows=600,
    arms=(
        arm("full", "smoothing", "patience"),
        arm("no smoothing", "patience", finished=4),
        arm("nothing", finished=0),
    ),
    contributions=(PATIENCE, SMOOTHING),
    off=("dropout", "augmentation"),
    failures=("no smoothing, fold 2: out of memory", *(f"nothing, fold {fold}: diverged" for fold in range(1, 6))),
)
ONE_TECHNIQUE = replace(
    RESULT,
    contributions=(replace(SMOOTHING, alone=None),),
    failures=(),
    arms=(arm("full", "smoothing"), arm("nothing")),
    off=(),
)
REGRESSION = replace(
    RESULT,
    task="regression",
    loss_unit="squared error",
    measures=("loss", "pearson"),
    higher_is_better={"loss": False, "pearson": True},
)
