import io

import pytest

from regtune.reporting.console import can_redraw, make_console, shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    """Like /dev/full: takes text, fails when it is flushed."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("columns", "width"), [("0", 100), ("10", 40), ("abc", 100), ("", 100), ("120", 120), ("-5", 100)]
)
def test_columns_is_obeyed_where_it_makes_sense(columns, width):
    console = make_console(io.StringIO(), environment={"COLUMNS": columns})

    assert console.width == width


@pytest.mark.parametrize(
    ("environment", "redraws"),
    [
        ({"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}, True),
        ({"COLUMNS": "80", "LINES": "24", "TERM": "xterm", "NO_COLOR": "1"}, True),
        ({"COLUMNS": "80", "LINES": "24", "TERM": "dumb"}, False),
        ({"COLUMNS": "80", "LINES": "5", "TERM": "xterm"}, False),
    ],
)
def test_lines_are_drawn_over_only_where_that_works(environment, redraws):
    assert can_redraw(make_console(Terminal(), environment=environment)) is redraws


def test_force_color_colours_a_pipe_but_never_redraws_it():
    console = make_console(stream := io.StringIO(), environment={"FORCE_COLOR": "1", "TERM": "xterm-256color"})

    console.print("good", style="green")

    assert "\x1b[32m" in stream.getvalue()
    assert not can_redraw(console)


@pytest.mark.parametrize("environment", [{"FORCE_COLOR": "1", "NO_COLOR": "1"}, {"FORCE_COLOR": "0"}, {}])
def test_a_pipe_gets_no_escape_bytes(environment):
    console = make_console(stream := io.StringIO(), environment=environment)

    console.print("good", style="bold green")

    assert stream.getvalue() == "good\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_no_encoding_raises(encoding):
    stream = io.TextIOWrapper(raw := io.BytesIO(), encoding=encoding)

    make_console(stream, environment={}).print("★ 日 \ud800")

    assert raw.getvalue().endswith(b"\n")


@pytest.mark.parametrize("label", ["[/]", "[bold]x[/bold]", ":smile:", "[link=file:///etc/passwd]x[/link]"])
def test_markup_in_a_label_is_shown_as_it_is(label):
    console = make_console(stream := io.StringIO(), environment={})

    console.print(shown(console, label))

    assert stream.getvalue() == label + "\n"


def test_a_full_disk_is_said_once_and_silences_the_stream():
    complaints = io.StringIO()
    console = make_console(Full(), environment={}, complaints=complaints)

    console.print("one")
    console.print("two")

    assert complaints.getvalue() == "regtune: output cannot be written (No space left on device); going on without it\n"


def test_a_stream_closed_under_us_is_survived():
    stream = io.StringIO()
    console = make_console(stream, environment={}, complaints=(complaints := io.StringIO()))
    stream.close()

    console.print("one")

    assert "I/O operation on closed file" in complaints.getvalue()


def test_no_stream_at_all_shows_nothing():
    make_console(None, environment={"FORCE_COLOR": "1"}).print("into the void")
