import pytest
import yaml

from regtune.reporting.model_card import front_matter, hub_id, write_model_card


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("minilm", "sentence-transformers/all-MiniLM-L6-v2"),
        ("tiny", None),
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
        ("distilbert-base-uncased", "distilbert-base-uncased"),
        ("./models/mine", None),
        ("/data/models/mine", None),
    ],
)
def test_the_base_model_is_named_where_the_hub_has_it(model, expected):
    assert hub_id(model) == expected


def test_a_local_folder_that_looks_like_a_hub_id_is_not_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bert").mkdir()

    assert hub_id("bert") is None


def test_the_front_matter_is_yaml_the_hub_reads(run):
    lines = front_matter(run.facts)

    assert (lines[0], lines[-1]) == ("---", "---")
    assert yaml.safe_load("\n".join(lines[1:-1])) == {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["regtune"],
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
    }


def test_the_card_has_the_figures_of_the_report(run):
    card = write_model_card(run).read_text("utf-8")

    assert "| macro_f1 | 0.8121 | 0.7450 | 0.8680 |" in card
    assert "| refund | 1.0000 | 0.5000 | 0.6667 | 4 |" in card


def test_an_open_interval_is_shown_as_infinity_in_the_card(run):
    run.update(test={**run.facts["test"], "metrics": {"rmse": {"value": 1.0, "low": 0.5, "high": None}}})

    assert "| rmse | 1.0000 | 0.5000 | ∞ |" in write_model_card(run).read_text("utf-8")


def test_hostile_labels_are_text_in_the_card(hostile_run):
    card = write_model_card(hostile_run).read_text("utf-8")

    assert "<img" not in card
    assert r"| =\[/\] |" in card
