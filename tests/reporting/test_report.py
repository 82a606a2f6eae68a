import re
from html.parser import HTMLParser

import pytest

from regtune.reporting.report import prediction_values, shortened, write_report


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def page_of(run):
    return write_report(run).read_text("utf-8")


def parsed(page):
    tags = Tags()
    tags.feed(page)
    return tags


def test_the_report_needs_nothing_else(run):
    page = page_of(run)

    assert "http:" not in page
    assert "https:" not in page
    assert not [value for name, value in parsed(page).attributes if name == "src"]
    assert [v for name, v in parsed(page).attributes if name.endswith("href") and not v.startswith("#")] == []


def test_the_page_forbids_scripts_and_anything_from_elsewhere(run):
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page_of(run)


def test_hostile_labels_are_text(hostile_run):
    tags = parsed(page_of(hostile_run))

    assert not {"img", "script"} & set(tags.names)
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert "</script><img src=x onerror=1>" in tags.text
    assert "=[/]" in tags.text


def test_control_characters_are_escaped(hostile_run):
    page = page_of(hostile_run)

    assert "\x1b" not in page
    assert "\\x1b[31mred\\nline" in page


@pytest.mark.parametrize(
    "fact",
    [
        "Early stopping: no better validation loss in the last 3 evaluations.",
        "0.7450 to 0.8680",
        "+0.2569",
        "shrinks weights by 0.005 % over the run: practically off",
        "regtune train configs/small.yaml regularization.dropout=0.3",
        "if that is not enough",
        "text column `message`: the only long text",
        "message 6 about refund",
        "torch 2.13.0",
        "demo:support, 720 rows",
    ],
)
def test_the_report_tells(run, fact):
    text = " ".join(" ".join(parsed(page_of(run)).text).split())

    assert fact in text


def test_the_restored_evaluation_is_highlighted_once(run):
    page = page_of(run)

    assert len(re.findall('<tr class="restored">', page)) == 1
    assert len(re.findall('<tr class="warning">', page)) == 1


def test_the_config_keeps_its_line_breaks(run):
    assert "model: minilm\ndata: {train: &#39;demo:support&#39;}" in page_of(run)


def test_without_a_test_split_the_validation_figures_lead(run):
    run.update(test=None)

    assert "validation accuracy" in page_of(run)
    assert "There is no test split" in page_of(run)


def test_an_open_interval_is_shown_as_infinity(run):
    run.update(test={**run.facts["test"], "metrics": {"rmse": {"value": 1.0, "low": 0.5, "high": None}}})

    assert "0.5000 to ∞" in page_of(run)


def test_more_than_thirty_classes_are_listed_as_pairs(run):
    classes = ["billing", "refund", "login", *(f"class {n}" for n in range(28))]

    values = prediction_values(run, kind="class", classes=classes)

    assert values["matrix"] is None
    assert values["confused"] == [("refund", "login", 2)]


def test_the_report_can_be_written_again(run):
    assert page_of(run) == page_of(run)


def test_a_long_text_is_cut():
    assert shortened("word " * 100) == ("word " * 100)[:299] + "…"
