import math
import re
import shlex

import pytest

from regtune.config import parse_config
from regtune.diagnosis import CAUSES, FINDINGS, advise, diagnose

CAUSE_OF = {
    "overfitting": "overfitting",
    "stopped_in_time": "overfitting",
    "large_gap": "overfitting",
    "underfitting": "underfitting",
    "too_short": "too_short",
    "stuck": "failed_optimisation",
    "healthy": "healthy",
}


@pytest.mark.parametrize(("curve", "expected"), CAUSE_OF.items())
def test_a_run_with_a_known_cause_gets_that_verdict(make_facts, curves, curve, expected):
    assert [finding.name for finding in diagnose(make_facts(**curves[curve]))] == [expected]


@pytest.mark.parametrize("curve", CAUSE_OF)
def test_evidence_holds_numbers_and_fits_one_line(make_facts, curves, curve):
    finding = diagnose(make_facts(**curves[curve]))[0]

    assert len(re.findall(r"\d+(?:\.\d+)?", finding.evidence)) >= 3
    assert "\n" not in finding.evidence


@pytest.mark.parametrize("curve", CAUSE_OF)
def test_every_train_command_is_accepted_by_the_config(make_facts, curves, curve):
    facts = make_facts(**curves[curve], rows={"train": 100, "validation": 20}, dropout=0.4, weight_decay=0.02)
    commands = [step.command for finding in diagnose(facts) for step in finding.advice if step.command]

    for words in map(shlex.split, commands):
        if words[:2] == ["regtune", "train"]:
            assert words[2] == "configs/small.yaml"
            parse_config("data: {train: demo:support}\n", name="small.yaml", overrides=words[3:])
    assert commands


@pytest.mark.parametrize("curve", CAUSE_OF)
def test_a_finding_is_named_as_its_registry_key(make_facts, curves, curve):
    assert {finding.name for finding in diagnose(make_facts(**curves[curve]))} <= set(FINDINGS)


def test_the_first_cause_that_holds_is_the_only_verdict(make_facts, curves):
    facts = make_facts(**curves["stuck"])

    assert CAUSES["underfitting"](facts) is not None
    assert [finding.name for finding in diagnose(facts)] == ["failed_optimisation"]


def test_a_caveat_comes_after_the_verdict(make_facts, curves):
    findings = diagnose(make_facts(**curves["healthy"], rows={"train": 480, "validation": 149}))

    assert [finding.name for finding in findings] == ["healthy", "small_validation"]


def test_losses_that_are_all_nan_are_failed_optimisation(make_facts):
    findings = diagnose(make_facts([math.nan], [math.nan], rows={"train": 40, "validation": 10}))

    assert [finding.name for finding in findings] == ["failed_optimisation"]


def test_advise_gives_three_lines_by_default(make_facts, curves):
    lines = advise(diagnose(make_facts(**curves["overfitting"])))

    assert [sorted(line) for line in lines] == [["command", "evidence", "title"]] * 3
    assert [line["title"] for line in lines[1:]] == ["if that is not enough"] * 2


def test_advise_keeps_the_steps_of_the_verdict_together_and_every_caveat(make_facts, curves):
    lines = advise(diagnose(make_facts(**curves["overfitting"], rows={"train": 480, "validation": 149})))

    assert [line["title"] for line in lines] == [
        "overfitting: validation loss turned up",
        "if that is not enough",
        "small validation set",
    ]


def test_the_first_line_says_evidence_next_step_and_command(make_facts, curves):
    line = advise(diagnose(make_facts(**curves["overfitting"])), limit=1)[0]

    assert line["evidence"].endswith("; next: more dropout: 0.1 → 0.3")
    assert line["command"] == "regtune train configs/small.yaml regularization.dropout=0.3"


def test_a_step_outside_regtune_has_an_empty_command(make_facts, curves):
    lines = advise(diagnose(make_facts(**curves["healthy"])))

    assert lines[-1]["command"] == ""


def test_no_command_is_advised_twice(make_facts, curves):
    """Another seed is both the second step after a failed optimisation and that of a small validation set."""
    facts = make_facts(**curves["stuck"], learning_rate=1e-3, rows={"train": 480, "validation": 149})
    lines = advise(diagnose(facts))

    assert [line["title"] for line in lines[1:]] == ["if that is not enough"]
    assert [line["command"].rpartition(" ")[2] for line in lines] == [
        "training.learning_rate=0.0002",
        "training.seed=1",
    ]
