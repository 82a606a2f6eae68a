import io

import pytest

from regtune.reporting.console import make_console
from regtune.reporting.summary import print_summary, summary_pairs


def test_the_end_of_a_run(run):
    print_summary(run, console=make_console(stream := io.StringIO(), environment={}))

    assert stream.getvalue().replace(str(run.path), "RUN").splitlines() == [
        "",
        "ended     early stopping: no better validation loss in the last 3 evaluations (24.0 s)",
        "best      epoch 3.00, step 96: validation loss 0.5881, train loss 0.3312, gap +0.2569",
        "restored  the best weights, re-evaluated equal to the record",
        "test      80 rows, 95 % intervals",
        "          accuracy  0.8121  [0.7450, 0.8680]",
        "          macro_f1  0.8121  [0.7450, 0.8680]",
        "          nll       0.8121  [0.7450, 0.8680]",
        "          ece       0.8121  [0.7450, 0.8680]",
        "advice    overfitting: train fell by 0.30 nats after epoch 3 while validation rose by 0.11",
        "          regtune train configs/small.yaml regularization.dropout=0.3",
        "advice    if that is not enough: label more rows",
        "run       RUN (report.html, best/, predictions.csv)",
        "next      regtune predict RUN FILE -o out.csv",
        "          regtune evaluate RUN --data FILE",
    ]


def test_without_a_test_split_the_validation_figures_come_with_a_warning(run):
    pairs = dict(summary_pairs({**run.facts, "test": None}, run_path="runs/x"))

    assert pairs["validation"].endswith("(it chose the weights, so it flatters them; set data.test)")
    assert "test" not in pairs


@pytest.mark.parametrize(
    ("because", "monitor", "patience", "text"),
    [
        ("epochs", "loss", 3, "all 20 epochs done (24.0 s)"),
        ("patience", "macro_f1", 1, "early stopping: no better validation macro_f1 in the last evaluation (24.0 s)"),
    ],
)
def test_why_it_ended(run, because, monitor, patience, text):
    plan = {**run.facts["plan"], "monitor": monitor, "patience": patience}

    pairs = summary_pairs({**run.facts, "stopped_because": because, "plan": plan}, run_path="runs/x")

    assert pairs[0] == ("ended", text)


def test_equality_within_rounding_is_said(run):
    pairs = dict(summary_pairs({**run.facts, "restored_equal": False}, run_path="runs/x"))

    assert pairs["restored"] == "the best weights, re-evaluated equal to the record within rounding"


def test_a_command_is_not_wrapped_on_a_narrow_terminal(run):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    environment = {"COLUMNS": "40", "LINES": "24", "TERM": "xterm", "NO_COLOR": "1"}
    print_summary(run, console=make_console(stream := Terminal(), environment=environment))

    assert "regtune train configs/small.yaml regularization.dropout=0.3\n" in stream.getvalue()
