from dataclasses import replace
from html.parser import HTMLParser

import pytest

from regtune.reporting.sweep.report import ranked, space_text, write_sweep_report
from tests.reporting.sweep.sweep_pieces import (
    DROPOUT,
    HOSTILE,
    OWN_VALUES,
    record_of,
    result_of,
    search_records,
    with_status,
)

ENVIRONMENT = {
    "python": "3.11.2",
    "platform": "Linux x86_64",
    "device": "cpu, 2 threads",
    "packages": {"regtune": "0.1.0", "optuna": "5.0.0"},
}


class Tags(HTMLParser):
    """The tags, attributes and text of a page."""

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


def page_of(folder, result=None, records=None, base_yaml="model: minilm\ndata: {}\n"):
    path = folder / "report.html"
    records = search_records() if records is None else records
    write_sweep_report(path, result or result_of(), records, base_yaml=base_yaml, environment=ENVIRONMENT)
    return path.read_text("utf-8")


def parsed(page):
    tags = Tags()
    tags.feed(page)
    return tags


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return page_of(tmp_path_factory.mktemp("sweep"))


def test_the_report_needs_nothing_else(page):
    assert "http:" not in page
    assert "https:" not in page
    assert not [value for name, value in parsed(page).attributes if name == "src"]
    assert [v for name, v in parsed(page).attributes if name.endswith("href") and not v.startswith("#")] == []


def test_the_page_forbids_scripts_and_anything_from_elsewhere(page):
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page


@pytest.mark.parametrize(
    "fact",
    [
        "Better: trial 3 has a loss lower than your config's by 0.028 (95 % CI 0.011 to 0.045).",
        "5 folds share most of their training rows.",
        "best.yaml holds trial 3: dropout 0.22",
        "regtune train runs/sweep/best.yaml",
        "−0.0280 [−0.0450, −0.0110]",
        "not distinguishable",
        "by about 0.0121",
        "learning_rate 61 %",
        "1 90 31 % 0.0123",
        "The best training.learning_rate, 0.0005, lies on the edge of the space (1e-5 to 0.0005): widen it.",
        "trial 4, fold 1 in 2 tries: diverged: loss is nan at step 9",
        "0.001 to 0.3, log scale, or off yours 0.01",
        "0, 0.05, 0.1, 0.2",
        "ada: 38 jobs",
        "optuna 5.0.0",
    ],
)
def test_the_report_tells(page, fact):
    assert fact in " ".join(" ".join(parsed(page).text).split())


def test_every_job_has_a_row(page):
    all_trials = page[page.index("<h2>All trials</h2>") :]

    assert all_trials[: all_trials.index("</table>")].count("<tr") == 1 + len(search_records())


def test_hostile_text_is_text(tmp_path):
    space = ({"key": DROPOUT, "choices": [HOSTILE, "$x$"]},)
    own_values = {**OWN_VALUES, DROPOUT: HOSTILE}
    records = with_status(search_records(), "4", error=HOSTILE + "\x1b[31m", host=HOSTILE)
    failure = replace(result_of().failures[0], error=HOSTILE)
    verdict = replace(result_of().verdict, recommended="own", sentence=HOSTILE, caveats=(HOSTILE,))
    hosts = {HOSTILE: 3}
    result = result_of(
        name=HOSTILE,
        model=HOSTILE,
        space=space,
        own_values=own_values,
        failures=(failure,),
        hosts=hosts,
        notes=(HOSTILE,),
    )

    page = page_of(tmp_path, replace(result, verdict=verdict), records, base_yaml=f"model: '{HOSTILE}'\n")

    tags = parsed(page)
    assert not {"img", "script"} & set(tags.names)
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert HOSTILE in " ".join(tags.text)
    assert "\x1b" not in page


def test_the_config_keeps_its_line_breaks(page):
    assert "model: minilm\ndata: {}\n" in page


def test_a_sweep_without_a_value_has_a_report(tmp_path):
    verdict = replace(result_of().verdict, outcome="not distinguishable", recommended="own", best="own")
    result = result_of(verdict=verdict, standings=(), importances={}, patience_costs=(), edges=())

    page = page_of(tmp_path, result, search_records()[4:])

    assert "<svg" not in page
    assert "trial 4, fold 1" in page


def test_jobs_are_ranked_within_their_fold():
    records = (record_of("2", 0.3, fold=2), record_of("own", 0.5), record_of("3", 0.2, fold=2), record_of("4", 0.4))

    assert [record.job.candidate for record in ranked(result_of(), records)] == ["3", "2", "4", "own"]


def test_jobs_are_ranked_upwards_for_a_metric():
    records = (record_of("own", 0.5), record_of("2", 0.4))  # the pieces' accuracy falls with the loss

    result = result_of(objective="accuracy", higher_is_better=True)

    assert [record.job.candidate for record in ranked(result, records)] == ["2", "own"]


def test_a_space_in_words():
    entry = {"key": "x", "low": 1, "high": 9, "log": False, "step": 2, "off": True}

    assert space_text(entry) == "1 to 9, in steps of 2, or off"
