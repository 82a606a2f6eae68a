import io
import re
from dataclasses import replace

import pytest

from regtune.reporting.console import make_console
from regtune.reporting.sweep.summary import print_sweep_summary
from tests.reporting.sweep.sweep_pieces import HOSTILE, RATE, difference_of, result_of, standing_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii")


def lines_of(result, stream=None, **environment):
    stream = io.StringIO() if stream is None else stream
    print_sweep_summary(result, console=make_console(stream, environment={"NO_COLOR": "1", **environment}))
    text = stream.buffer.getvalue().decode("ascii") if isinstance(stream, Ascii) else stream.getvalue()
    return re.sub(r"\x1b\[[12]?m|\x1b\[0m", "", text).splitlines()  # bold and dim


def test_the_verdict_comes_first_then_the_table_then_what_was_learnt():
    assert lines_of(result_of()) == [
        "",
        "verdict  Better: trial 3 has a loss lower than your config's by 0.028 (95 % CI 0.011 to 0.045).",
        "         5 folds share most of their training rows.",
        "",
        "  trial  dropout  weight_decay  smoothing  learning_rate    loss ±       runs  against yours",
        "loss, nats per row: mean ± std over runs, 95 % intervals; = tied with the first; more runs first",
        "★ 3         0.22           0.1       0.05       0.000123  0.5204 ±0.022     5  "
        "−0.0280 [−0.0450, −0.0110]  better",
        "= 2         0.31         0.002        0.1         3.1e-5  0.5322 ±0.033     5  "
        "−0.0100 [−0.0300, +0.0100]  not distinguishable",
        "  own        0.1          0.01          0           5e-5  0.5480 ±0.016     5",
        "  off          0             0          0           5e-5  0.6010            1  "
        "+0.0610 [+0.0310, +0.0910]  worse",
        "",
        "optimism    the best of 20 trials looks better on its search fold than it is, by about 0.0121",
        "patience    patience 1 would have saved 31 % of the evaluations and lost 0.0123",
        "            patience 2 would have saved 22 % of the evaluations and lost 0.0008",
        "importance  learning_rate 61 % · dropout 25 % · weight_decay 9 % · smoothing 5 %",
        "edge        the best training.learning_rate, 0.0005, lies on the edge of the space (1e-5 to 0.0005): widen it",
        "failed      trial 4, fold 1 in 2 tries: diverged: loss is nan at step 9 "
        "(dropout 0.45 · weight_decay 0.3 · smoothing 0.2 · learning_rate 0.0005)",
        "done        37 runs, 20 trials in the search, 231 epochs in 14 min 03 s; 1 failed",
        "sweep       runs/sweep (report.html, best.yaml, result.json)",
        "best        best.yaml holds trial 3: "
        "dropout 0.22 · weight_decay 0.1 · smoothing 0.05 · learning_rate 0.000123",
        "next        regtune train runs/sweep/best.yaml",
    ]


def test_a_narrow_terminal_keeps_differences_and_ties():
    lines = lines_of(result_of(), Terminal(), COLUMNS="60")

    assert "  trial    loss ±       against yours" in lines
    assert "★ 3      0.5204 ±0.022  −0.0280 [−0.0450, −0.0110]" in lines
    assert "= 2      0.5322 ±0.033  −0.0100 [−0.0300, +0.0100]" in lines


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_but_a_command_is_wider_than_the_terminal(width):
    assert max(len(line.rstrip()) for line in lines_of(result_of(), Terminal(), COLUMNS=str(width))) <= width


def test_a_command_can_be_copied():
    lines = lines_of(result_of(folder="runs/" + "long " * 20), Terminal(), COLUMNS="60")

    assert lines[-1].endswith("regtune train '" + "runs/" + "long " * 20 + "/best.yaml'")


def test_an_ascii_screen_gets_ascii():
    assert (
        "* 3         0.22           0.1       0.05       0.000123  0.5204 +/-0.022" in lines_of(result_of(), Ascii())[6]
    )


def test_where_nothing_is_better_the_users_own_config_stays():
    verdict = replace(result_of().verdict, outcome="not distinguishable", recommended="own")

    assert "best        best.yaml holds your own config: nothing was shown to be better" in lines_of(
        result_of(verdict=verdict)
    )


def test_what_was_not_found_is_left_out():
    verdict = replace(result_of().verdict, optimism=None)
    bare = result_of(verdict=verdict, patience_costs=(), importances={}, edges=(), failures=(), counts={"done": 37})

    labels = {line.split()[0] for line in lines_of(bare)[11:]}

    assert labels == {"done", "sweep", "best", "next"}


def test_many_failures_are_counted():
    failures = result_of().failures * 8

    assert "            and 3 more, all in the report" in lines_of(result_of(failures=failures))


def test_a_sweep_where_all_trials_failed_has_an_empty_table():
    verdict = replace(result_of().verdict, recommended="own", sentence="No trial gave a value.")

    assert "verdict  No trial gave a value." in lines_of(result_of(standings=(), verdict=replace(verdict, caveats=())))


def test_hostile_text_is_shown_harmlessly():
    standing = standing_of("3", [0.5], changes={RATE: "\x1b[31m" + HOSTILE}, against_own=difference_of(-0.1, 0.05))
    failure = replace(result_of().failures[0], error="[/]\x1b[31m")

    text = "\n".join(lines_of(result_of(standings=(standing,), failures=(failure,)), Terminal(), COLUMNS="100"))

    assert "\x1b[31m" not in text
    assert "[/]\\x1b[31m" in text
