import io
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.errors import MarkupError

from regtune.history import History
from regtune.reporting.console import make_console
from regtune.reporting.live import LiveTable

HEADER = "epoch  step   train     val      gap  macro_f1       lr  patience  note"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.TextIOWrapper):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="ascii")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def getvalue(self) -> str:
        return self.buffer.getvalue().decode("ascii")


class Clock:
    """Advances one second per step."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def show(stream, plan, history, **environment):
    """A whole run on a stream; returns everything written to it."""
    clock = Clock()
    table = LiveTable(console=make_console(stream, environment={"TERM": "xterm", **environment}), clock=clock)
    table.on_start(plan)
    for number in range(1, len(history) + 1):
        clock.now += 1.0
        table.on_step(number * 32 - 1, 0.5)
        table.on_evaluation(History(history.evaluations[:number]))
    table.on_end()
    return stream.getvalue()


def visible(text):
    """What a terminal still shows at the end, near enough: everything after the last erased line, without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.rpartition("\x1b[2K")[2])


def test_a_pipe_gets_the_header_once_and_a_line_per_evaluation(plan, history):
    lines = show(io.StringIO(), plan, history).splitlines()

    assert lines[lines.index(HEADER) + 1 :] == [
        "train/val: clean loss, dropout off, no smoothing, nats per row",
        " 1.00    32  1.052   1.081   +0.0288    0.4127  5.0e-05       0/3  ★ best",
        " 2.00    64  0.6121  0.7104  +0.0983    0.6512  4.8e-05       0/3  ★ best",
        " 3.00    96  0.3312  0.5881  +0.2569    0.7411  4.5e-05       0/3  ★ best",
        " 4.00   128  0.1478  0.5963  +0.4485    0.7533  4.3e-05       1/3",
        " 5.00   160  0.0612  0.6570  +0.5958    0.7402  4.0e-05       2/3  ⚠ overfitting",
        " 6.00   192  0.0281  0.7012  +0.6731    0.7419  3.8e-05       3/3  ■ stop",
    ]
    assert lines.count(HEADER) == 1


def test_the_first_lines_say_what_is_trained(plan, history):
    assert show(io.StringIO(), plan, history).splitlines()[:8] == [
        "model     minilm, 22.7 M parameters",
        "task      text-classification",
        "device    cpu, 2 threads",
        "rows      train 512 · validation 128 · test 80",
        "classes   3: billing, refund, login",
        "schedule  at most 20 epochs × 32 steps = 640 steps, 20 evaluations",
        "run       runs/small",
        "note      text column `message`: the only long text",
    ]


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "0"}, {"COLUMNS": "abc"}])
def test_a_pipe_gets_no_escape_byte(plan, history, environment):
    assert "\x1b" not in show(io.StringIO(), plan, history, **environment)


def test_a_narrow_pipe_drops_nothing(plan, history):
    assert HEADER in show(io.StringIO(), plan, history, COLUMNS="10")


def test_a_dumb_terminal_gets_plain_lines(plan, history):
    text = show(Terminal(), plan, history, TERM="dumb", COLUMNS="80", LINES="24")

    assert "\x1b[2K" not in text
    assert text.count("★ best") == 3


def test_a_terminal_keeps_the_table_and_loses_the_progress_bar(plan, history):
    text = visible(show(Terminal(), plan, history, COLUMNS="80", LINES="24"))

    assert text.splitlines()[0] == HEADER
    assert text.splitlines()[-1] == " 6.00   192  0.0281  0.7012  +0.6731    0.7419  3.8e-05       3/3  ■ stop"
    assert "640" not in text


def test_a_terminal_of_forty_columns_gets_short_lines(plan, history):
    text = visible(show(Terminal(), plan, history, COLUMNS="40", LINES="24"))

    assert text.splitlines()[:5] == [
        "epoch   train     val      gap",
        "train/val: clean loss, nats per row",
        " 1.00  1.052   1.081   +0.0288  ★",
        " 2.00  0.6121  0.7104  +0.0983  ★",
        " 3.00  0.3312  0.5881  +0.2569  ★",
    ]


def test_no_color_draws_without_colours(plan, history):
    text = show(Terminal(), plan, history, COLUMNS="80", LINES="24", NO_COLOR="1")

    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", text)
    assert "\x1b[2K" in text


def test_the_progress_line_has_steps_and_time_left(plan, history):
    text = show(Terminal(), plan, history, COLUMNS="80", LINES="24", NO_COLOR="1")

    assert "step 192/640" in text
    assert "left at most" in text
    assert "objective 0.5" in text


def test_a_long_run_shows_its_last_rows_while_live_and_all_at_the_end(plan, history):
    many = History([replace(history.evaluations[0], step=step, epoch=float(step)) for step in range(1, 41)])

    text = show(Terminal(), plan, many, COLUMNS="80", LINES="12")

    assert len(visible(text).splitlines()) == 42  # header, caption, 40 rows
    assert all(frame.count("★") <= 7 for frame in text.split("\x1b[2K")[:-1])  # 12 lines − 2 − 3


def test_steps_in_between_are_not_drawn(plan):
    clock = Clock()
    table = LiveTable(
        console=make_console(stream := Terminal(), environment={"COLUMNS": "80", "LINES": "24"}), clock=clock
    )
    table.on_start(plan)
    before = stream.tell()

    for step in range(100):
        clock.now += 0.002
        table.on_step(step, 0.5)

    assert stream.tell() == before
    table.on_end()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_an_ascii_screen_gets_ascii(plan, history, is_terminal):
    text = show(Ascii(is_terminal=is_terminal), plan, history, COLUMNS="80", LINES="24")

    assert "* best" in text
    assert "! overfitting" in text
    assert "# stop" in text


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
@pytest.mark.parametrize("label", ["[/]", "[bold]", "\x1b[31m", "a\nb", "[/foo]", "\ud800"])
def test_hostile_labels_are_shown_harmlessly(plan, history, stream_type, label):
    hostile = replace(plan, classes=(label, "other"), model=label, notes=(label,))

    text = show(stream_type(), hostile, history, COLUMNS="80", LINES="24")

    assert text.count("\x1b[31m") == 0
    assert "6.00   192" in text


def test_a_resumed_run_shows_its_earlier_rows(plan, history):
    table = LiveTable(console=make_console(stream := io.StringIO(), environment={}))

    table.on_start(replace(plan, resumed_at_step=64))
    table.on_resume(History(history.evaluations[:2]))

    assert "resumed   at step 64 of 640" in stream.getvalue()
    assert stream.getvalue().splitlines()[-1].startswith(" 2.00    64")


def test_the_cursor_comes_back_when_a_terminal_run_ends(plan, history):
    text = show(Terminal(), plan, history, COLUMNS="80", LINES="24")

    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_a_drawing_error_silences_the_table_and_says_so_once(plan, history, monkeypatch):
    def fail(*args: object, **options: object) -> None:
        raise MarkupError("closing tag '[/]' has nothing to close")

    console = make_console(io.StringIO(), environment={})
    monkeypatch.setattr(console, "print", fail)
    table = LiveTable(console=console, complaints=make_console(said := io.StringIO(), environment={"COLUMNS": "200"}))

    table.on_start(plan)
    table.on_evaluation(history)

    assert said.getvalue() == (
        "regtune: the table cannot be drawn (closing tag '[/]' has nothing to close); training goes on without it\n"
    )


PRINT_FOR_EVER = """
import os, sys
from regtune.reporting.console import standard_output
console = standard_output()
for number in range(2000):
    console.print("line", number)
sys.stderr.write("still here\\n")
"""


@pytest.mark.parametrize("target", ["| head -1 >/dev/null", ">/dev/full", ">&-"])
def test_a_lost_standard_output_does_not_end_the_process(target):
    command = f"{sys.executable} -c '{PRINT_FOR_EVER}' {target}"

    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=30)

    assert done.returncode == 0
    assert done.stderr.endswith("still here\n")
    assert done.stderr.count("output cannot be written") == (0 if target == ">&-" else 1)
