"""`regtune explain`: cards that can be read at any width, and help with names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields

import pytest

from regtune.cli import run_command_line
from regtune.cli.explain import fold, paragraphs
from regtune.regularization import Techniques
from regtune.regularization.cards import method_card, method_cards

NAMES = [field.name for field in fields(Techniques)]
Capture = pytest.CaptureFixture[str]


def explained(arguments: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch, *, width: int) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    assert run_command_line(["explain", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_without_a_name_all_techniques_are_listed_with_what_they_are(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = explained([], capsys, monkeypatch, width=200)

    assert [line.split()[0] for line in lines] == NAMES
    assert lines[0].split(maxsplit=1)[1] == method_card(NAMES[0]).splitlines()[0]


@pytest.mark.parametrize("width", [40, 80, 130])
@pytest.mark.parametrize("name", [[], *([name] for name in NAMES)])
def test_no_line_is_wider_than_the_page_unless_it_is_one_word(
    name: list[str], width: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = explained(name, capsys, monkeypatch, width=width)

    assert [line for line in lines if len(line) > width and " " in line.strip()] == []


@pytest.mark.parametrize("width", [40, 80, 130])
@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_the_card_is_shown_in_order(
    name: str, width: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = explained([name], capsys, monkeypatch, width=width)

    assert " ".join(lines).split() == method_card(name).split()


@pytest.mark.parametrize("name", NAMES)
def test_headings_stand_alone_on_a_narrow_page(name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = explained([name], capsys, monkeypatch, width=60)

    assert {"What it does", "Formula", "Settings and defaults", "Interactions", "Source"} <= set(lines)


def test_into_a_pipe_without_torch_or_an_encoding() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-X", "importtime", "-m", "regtune", "explain", "smoothing"]

    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert done.stdout.startswith("Label smoothing: training targets")
    assert "eps/(K - 1)" in done.stdout
    assert not loaded & {"torch", "transformers", "numpy", "PIL", "matplotlib"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("smothing", "smoothing"),
        ("Dropout", "dropout"),
        ("weight-decay", "weight_decay"),
        ("early_stopping", "patience"),
        ("label smoothing", "smoothing"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_likely_one(typed: str, meant: str, capsys: Capture) -> None:
    assert run_command_line(["explain", typed]) == 2

    error, hint = capsys.readouterr().err.splitlines()
    assert error == f"error: explain: no technique is called {typed}, did you mean {meant}?"
    assert hint.startswith(f"hint: known are {', '.join(NAMES)}; ")


def test_a_name_like_none_is_not_guessed_at(capsys: Capture) -> None:
    assert run_command_line(["explain", "zzzz\x1b[2J"]) == 2

    assert capsys.readouterr().err.splitlines()[0] == r"error: explain: no technique is called zzzz\x1b[2J"


def test_a_card_is_the_docstring_of_its_module() -> None:
    assert method_cards()["patience"].startswith("Early stopping: keep the weights of the best evaluation")


def test_lines_broken_by_the_editor_are_one_paragraph_again() -> None:
    full = "    " + "word " * 22 + "ends"  # 118 columns: the next word did not fit

    assert paragraphs(f"{full}\n    here") == [f"{full} here"]


def test_lines_broken_on_purpose_stay_apart() -> None:
    card = "Formula\n    a = b.\n    c = d\n\n    key: value"

    assert paragraphs(card) == card.splitlines()


def test_a_folded_line_keeps_its_indent() -> None:
    assert fold("    one two three", width=12) == "    one two\n    three"


def test_a_folded_table_line_hangs_below_its_second_column() -> None:
    assert fold("swap   one two three", width=16) == "swap   one two\n       three"


def test_a_blank_line_stays_one() -> None:
    assert fold("", width=40) == ""


def test_help_has_an_example(capsys: Capture) -> None:
    assert run_command_line(["explain", "--help"]) == 0

    assert re.search(r"Example: .?regtune explain smoothing", capsys.readouterr().out)
