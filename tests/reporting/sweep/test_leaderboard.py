import io
import re
import subprocess
import sys

import pytest
from rich.errors import MarkupError

from regtune.reporting.console import make_console
from regtune.reporting.sweep.leaderboard import Leaderboard, print_board
from tests.reporting.sweep.sweep_pieces import (
    HOSTILE,
    OWN_VALUES,
    RATE,
    board_of,
    changes_of,
    record_of,
    search_records,
    with_status,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii")

    def getvalue(self) -> str:
        return self.buffer.getvalue().decode("ascii")


class Clock:
    """Advances one second per look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def show(stream, *boards, **environment):
    """A sweep on a stream; returns everything written to it."""
    leaderboard = Leaderboard(make_console(stream, environment={"TERM": "xterm", **environment}), clock=Clock())
    for board in boards:
        leaderboard.update(board)
    leaderboard.close(boards[-1])
    return stream.getvalue()


def without_escapes(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def frames(text):
    """What a terminal showed one after the other, near enough."""
    return [without_escapes(frame) for frame in re.split(r"(?:\x1b\[1A\x1b\[2K)+|\x1b\[2K", text)]


# ---- piped -----------------------------------------------------------------------------------------------------------

HEADER = "trial  fold    loss ±       accuracy  epochs        time  status     changes"


def test_a_pipe_gets_a_line_per_job_that_ended():
    records = search_records()

    lines = show(io.StringIO(), board_of(records[:2]), board_of(records)).splitlines()

    assert lines == [
        "sweep      runs/sweep",
        "study      sweep in runs/sweep/sweep.db",
        "jobs       12, 5 folds, at most 8 epochs each",
        "workers    2",
        "objective  loss, lower is better",
        "yours      dropout 0.1 · weight_decay 0.01 · smoothing 0 · learning_rate 5e-5",
        "",
        HEADER,
        "  own     1  0.5400 ±0.043    0.7300     4/6      14.0 s  ■ stopped  "
        "dropout 0.1 · weight_decay 0.01 · smoothing 0 · learning_rate 5e-5",
        "  off     1  0.6010 ±0.048    0.6995     4/6      14.0 s  ■ stopped  "
        "dropout 0 · weight_decay 0 · smoothing 0 · learning_rate 5e-5",
        "    2     1  0.5710 ±0.046    0.7145     4/6      14.0 s  ■ stopped  "
        "dropout 0.31 · weight_decay 0.002 · smoothing 0.1 · learning_rate 3.1e-5",
        "    3     1  0.5120 ±0.041    0.7440     4/6      14.0 s  ■ stopped  "
        "dropout 0.22 · weight_decay 0.1 · smoothing 0.05 · learning_rate 0.000123",
        "trial 4, fold 1 failed: diverged: loss is nan at step 9",
        "stopped: 5 of 12 jobs, about 43 s left, 1 failed, 2 of 2 workers; "
        "best so far: trial 3, loss 0.5120, yours 0.5400 (difference not judged before the confirm stage)",
    ]


def test_a_job_is_told_once():
    board = board_of(search_records())

    assert show(io.StringIO(), board, board, board).count("■ stopped") == 4


def test_a_retry_is_told_with_its_reason():
    before = board_of(search_records())
    records = with_status(before.records, "5", attempts=2, started_from_step=26, error="worker died (signal 9)")

    line = show(io.StringIO(), before, board_of(records)).splitlines()[-2]

    assert line == "trial 5, fold 1: try 2 (worker died (signal 9)), goes on from step 26"


def test_a_retry_without_a_checkpoint_starts_again():
    records = with_status(search_records(), "6", attempts=2)

    assert "trial 6, fold 1: try 2, starts again\n" in show(io.StringIO(), board_of(records))


def test_a_change_of_stage_is_told():
    records = search_records()

    lines = show(io.StringIO(), board_of(records), board_of(records, stage="confirm")).splitlines()

    assert lines[-2] == (
        "confirm stage: 5 of 12 jobs, about 43 s left, 1 failed, 2 of 2 workers; "
        "best so far: trial 3, loss 0.5120, yours 0.5400 (difference judged at the end)"
    )


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
def test_a_new_note_is_told_once(stream_type):
    before, after = board_of(search_records()), board_of(search_records(), notes=("a worker died (signal 9)",))

    text = show(stream_type(), before, after, after, COLUMNS="80", LINES="30")

    assert text.count("note: a worker died (signal 9)") == 1


def test_the_end_is_told_without_workers():
    records = search_records()

    lines = show(
        io.StringIO(), board_of(records), board_of(records, stage="done", workers_asked=0, planned_jobs=5)
    ).splitlines()

    assert lines[-1] == (
        "done: 5 of 5 jobs, 1 failed; "
        "best so far: trial 3, loss 0.5120, yours 0.5400 (difference judged in the summary)"
    )


def test_an_ablation_shows_its_arms():
    records = (record_of("full", 0.5), record_of("no dropout", 0.6, status="failed", error="out of memory"))

    text = show(io.StringIO(), board_of(records, own_values={}, stage="ablation"))

    assert "yours" not in text
    assert "no dropout, fold 1 failed: out of memory\n" in text


def test_a_pipe_is_told_the_machine_where_there_are_several():
    records = with_status(search_records(), "3", host="bob")

    assert "learning_rate 0.000123 · on bob" in show(io.StringIO(), board_of(records))


def test_lines_are_flushed_as_they_come():
    class Counting(io.StringIO):
        flushes = 0

        def flush(self):
            self.flushes += 1

    stream = Counting()
    leaderboard = Leaderboard(make_console(stream, environment={}))
    leaderboard.update(board_of(search_records()[:1]))
    before = stream.flushes

    leaderboard.update(board_of(search_records()[:2]))

    assert stream.flushes > before


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "0"}])
def test_a_pipe_gets_no_escape_byte(environment):
    assert "\x1b" not in show(io.StringIO(), board_of(search_records()), **environment)


def test_an_ascii_pipe_gets_ascii():
    text = show(Ascii(), board_of(search_records()))

    assert "0.5400 +/-0.043" in text
    assert "# stopped" in text


# ---- on a terminal ---------------------------------------------------------------------------------------------------


def table_of(width, *, records=None, **options):
    """The lines of the table and below as they stand at the end."""
    board = board_of(records or search_records(), **options)
    text = show(Terminal(), board, COLUMNS=str(width), LINES="40", NO_COLOR="1")
    return without_escapes(text.rpartition("\x1b[2K")[2]).splitlines()


def test_the_final_table_in_120_columns():
    assert table_of(120, stage="done") == [
        "  trial  fold  dropout  weight_decay  smoothing  learning_rate    loss ±       accuracy  epochs  status",
        "loss: clean validation loss at the best epoch, nats per row, ± standard error over its rows",
        "★ 3         1     0.22           0.1       0.05       0.000123  0.5120 ±0.041    0.7440     4/6  ■ stopped",
        "  own       1      0.1          0.01          0           5e-5  0.5400 ±0.043    0.7300     4/6  ■ stopped",
        "  2         1     0.31         0.002        0.1         3.1e-5  0.5710 ±0.046    0.7145     4/6  ■ stopped",
        "  off       1        0             0          0           5e-5  0.6010 ±0.048    0.6995     4/6  ■ stopped",
        "  5         1     0.18          0.05       0.05           9e-5                              4/6  "
        "running, epoch 6",
        "  6         1     0.05          0.01        0.1         0.0002                                   starting",
        "  4         1     0.45           0.3        0.2         0.0005                                   "
        "failed: diverged: loss…",
    ]


def test_eighty_columns_keep_every_value():
    assert table_of(80)[:4] == [
        "                        weight             learning",
        "  trial  fold  dropout   decay  smoothing      rate    loss ±       status",
        "loss: clean validation loss, nats per row, ± standard error",
        "★ 3         1     0.22     0.1       0.05  0.000123  0.5120 ±0.041  ■ stopped",
    ]


def test_sixty_columns_put_the_values_into_one():
    assert table_of(60) == [
        "  trial  changes                     loss ±       status",
        "loss: clean validation loss, nats per row, ± standard error",
        "★ 3      dropout 0.22 · weight_d…  0.5120 ±0.041  ■ stopped",
        "  own    dropout 0.1 · weight_de…  0.5400 ±0.043  ■ stopped",
        "  2      dropout 0.31 · weight_d…  0.5710 ±0.046  ■ stopped",
        "  off    dropout 0 · weight_deca…  0.6010 ±0.048  ■ stopped",
        "  5      dropout 0.18 · weight_d…                 epoch 6",
        "  6      dropout 0.05 · weight_d…                 starting",
        "  4      dropout 0.45 · weight_d…                 failed: d…",
        "",
        "stopped: 5 of 12 jobs, about 43 s left, 1 failed, 2 of 2 workers",
        "best so far: trial 3, loss 0.5120, yours 0.5400 (difference not judged before the confirm stage)",
    ]


@pytest.mark.parametrize("width", range(40, 161, 8))
def test_no_line_of_the_table_is_wider_than_the_terminal(width):
    records = with_status(search_records(), "3", host="a-machine-with-a-long-name")

    assert max(len(line) for line in table_of(width, records=records, stage="done")) <= width


def test_the_host_is_shown_where_there_are_several():
    records = with_status(search_records(), "3", host="bob")

    assert "  host  " in table_of(140, records=records)[0]
    assert "  host" not in table_of(140)[0]


def test_the_confirm_stage_shows_means_over_folds():
    """Mean of 0.512 and 0.530; ± of two folds with different rows: √(0.041² + 0.042²) / 2."""
    second = (record_of("own", 0.560, fold=2, changes={}), record_of("3", 0.530, fold=2, changes={RATE: 0.000123}))

    lines = table_of(120, records=search_records() + second, stage="confirm")

    assert lines[2].startswith("★ 3       1-2 ")
    assert "  0.5210 ±0.030  " in lines[2]
    assert "trial 3, loss 0.5210 (mean of 2 runs), yours 0.5500 (difference judged at the end)" in lines[-1]


def test_a_ranked_trial_tells_which_fold_it_runs():
    records = (*search_records(), record_of("3", 0.5, fold=2, status="running"))

    assert table_of(120, records=records)[2].endswith("fold 2: epoch 6")


def test_a_retried_trial_says_so():
    assert table_of(140, records=with_status(search_records(), "5", attempts=2))[6].endswith("running, epoch 6, try 2")


def test_a_pruned_trial_stands_below_the_running_ones():
    lines = table_of(140, records=with_status(search_records(), "5", status="pruned"))

    assert lines[6].endswith("starting")
    assert lines[7].endswith("pruned")


def test_the_table_is_redrawn_in_place_with_the_time_left():
    board = board_of(search_records())

    picture = frames(show(Terminal(), board, board, COLUMNS="100", LINES="30", NO_COLOR="1"))[0]

    assert "5 of 12 jobs, about 43 s left, 1 failed, 2 of 2 workers" in picture
    assert "best so far: trial 3, loss 0.5120, yours 0.5400 (difference not judged before the confirm stage)" in picture


def test_a_sweep_with_more_trials_than_lines_keeps_own_and_running_ones():
    changes = changes_of(0.1, 0.1, 0.1, 1e-4)
    many = tuple(record_of(str(n), 0.4 + n / 1000, number=n, changes=changes) for n in range(30))
    board = board_of((*many, *search_records()[:1], record_of("99", 0.6, status="running")), planned_jobs=40)

    picture = frames(show(Terminal(), board, COLUMNS="100", LINES="14", NO_COLOR="1"))[0].splitlines()
    drawn = picture[picture.index("") + 1 :]

    assert len(drawn) <= 13
    assert [line.split()[0] for line in drawn if "±0." in line or "running" in line] == [
        "★",
        "1",
        "2",
        "3",
        "own",
        "99",
    ]
    assert "  … and 26 more" in drawn


def test_a_table_is_drawn_four_times_a_second_at_most():
    stream = Terminal()
    leaderboard = Leaderboard(make_console(stream, environment={"COLUMNS": "80", "LINES": "30"}), clock=lambda: 5.0)
    leaderboard.update(board_of(search_records()[:1]))
    leaderboard.update(board_of(search_records()[:2]))
    before = stream.tell()

    leaderboard.update(board_of(search_records()))

    assert stream.tell() == before


def test_the_cursor_comes_back():
    text = show(Terminal(), board_of(search_records()), COLUMNS="80", LINES="24")

    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_no_color_draws_without_colours():
    text = show(Terminal(), board_of(search_records()), COLUMNS="80", LINES="24", NO_COLOR="1")

    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", text)


def test_a_sweep_is_closed_before_its_first_look():
    leaderboard = Leaderboard(make_console(stream := Terminal(), environment={"COLUMNS": "80", "LINES": "30"}))

    leaderboard.close(board_of(search_records()))

    assert "★ 3" in stream.getvalue()


# ---- whatever happens ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
@pytest.mark.parametrize("text", ["[/]", "[bold]", "\x1b[31m", "a\nb", "\ud800", HOSTILE, "漢字"])
def test_hostile_text_is_shown_harmlessly(stream_type, text):
    records = with_status(search_records(), "4", error=text, host=text, changes={RATE: text})

    board = board_of(records, folder=text, notes=(text,))

    shown = show(stream_type(), board, COLUMNS="100", LINES="30", NO_COLOR="1")

    assert "\x1b[31m" not in shown
    assert "0.5120 ±0.041" in shown


def test_a_drawing_error_silences_the_leaderboard_and_says_so_once(monkeypatch):
    def fail(*args: object, **options: object) -> None:
        raise MarkupError("closing tag '[/]' has nothing to close")

    console = make_console(io.StringIO(), environment={})
    monkeypatch.setattr(console, "print", fail)
    leaderboard = Leaderboard(console, complaints=make_console(said := io.StringIO(), environment={"COLUMNS": "200"}))

    leaderboard.update(board_of(search_records()))
    leaderboard.close(board_of(search_records()))

    assert said.getvalue() == (
        "regtune: the leaderboard cannot be drawn (closing tag '[/]' has nothing to close); "
        "the sweep goes on without it\n"
    )


SHOW_FOR_EVER = """
import sys
from regtune.reporting.sweep.leaderboard import Leaderboard
from tests.reporting.sweep.sweep_pieces import board_of, record_of
leaderboard, records = Leaderboard(), ()
for number in range(400):
    records += (record_of(str(number), 0.5, changes={}),)
    leaderboard.update(board_of(records))
sys.stderr.write("still here\\n")
"""


def test_a_lost_standard_output_does_not_end_the_sweep():
    command = f"{sys.executable} -c '{SHOW_FOR_EVER}' | head -1 >/dev/null"

    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0
    assert done.stderr.endswith("still here\n")


def test_a_sweep_can_be_looked_at_once():
    print_board(board_of(search_records()), console=make_console(stream := io.StringIO(), environment={}))

    lines = stream.getvalue().splitlines()
    assert lines[0] == "sweep      runs/sweep"
    assert lines[9].startswith("★ 3 ")
    assert lines[-2:] == [
        "5 of 12 jobs, about 43 s left, 1 failed, 2 of 2 workers",
        "best so far: trial 3, loss 0.5120, yours 0.5400 (difference not judged before the confirm stage)",
    ]


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ((record_of("own", status="running"),), "no trial is done yet"),
        ((record_of("own", 0.5),), "best so far: your own config, loss 0.5000"),
        (
            (record_of("own", status="running"), record_of("2", 0.5)),
            "best so far: trial 2, loss 0.5000; yours is not measured there yet",
        ),
        (
            (record_of("full", 0.5), record_of("no dropout", 0.6)),
            "the arms of an ablation are compared when all are done",
        ),
    ],
)
def test_the_best_so_far_claims_no_more_than_is_known(records, text):
    print_board(board_of(records), console=make_console(stream := io.StringIO(), environment={}))

    assert stream.getvalue().splitlines()[-1] == text


def test_an_objective_that_is_a_metric_stands_beside_the_loss():
    board = board_of(search_records(), objective="macro_f1", higher_is_better=True, own_values=OWN_VALUES)

    print_board(board, console=make_console(stream := io.StringIO(), environment={}))

    assert "  macro_f1  " in stream.getvalue()
    assert "trial 3, macro_f1 0.7240, yours 0.7100" in stream.getvalue()
