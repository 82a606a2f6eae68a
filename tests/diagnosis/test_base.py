import pytest

from regtune.config import parse_config
from regtune.diagnosis.base import facts_of, number, train_command


@pytest.fixture
def facts(make_facts, curves):
    return lambda **more: make_facts(**curves["healthy"], **more)


def test_a_command_keeps_the_overrides_the_user_typed(facts):
    command = train_command(facts(overrides=("training.epochs=5",)), **{"training.seed": "1"})

    assert command == "regtune train configs/small.yaml training.epochs=5 training.seed=1"


def test_a_command_replaces_an_override_of_the_same_key(facts):
    command = train_command(facts(overrides=("training.seed=0",)), **{"training.seed": "1"})

    assert command == "regtune train configs/small.yaml training.seed=1"


def test_a_folder_the_user_chose_is_not_trained_into_twice(facts):
    chosen = facts(run_path="runs/tickets", overrides=("output=runs/tickets",))

    command = train_command(chosen, **{"regularization.dropout": "0.3"})

    assert command == "regtune train configs/small.yaml regularization.dropout=0.3 output=runs/tickets-dropout-0.3"


@pytest.mark.parametrize("run_path", ["runs/small", "runs/small-12"])
def test_a_folder_named_after_the_config_needs_no_output(facts, run_path):
    assert "output" not in train_command(facts(run_path=run_path), model="minilm")


def test_a_name_with_a_space_is_quoted(facts):
    command = train_command(facts(config_name="my configs/small.yaml"), model="minilm")

    assert command == "regtune train 'my configs/small.yaml' model=minilm"


@pytest.mark.parametrize(
    ("value", "text"),
    [(5e-5, "5e-5"), (1e-10, "1e-10"), (0.1, "0.1"), (0.123456, "0.1235"), (4.0, "4"), (25e-5, "0.00025")],
)
def test_numbers_are_spelled_as_in_a_config(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("dropout", "probability", "key"),
    [
        ("0.2", 0.2, "regularization.dropout"),
        ("keep", None, "regularization.dropout"),
        ("{hidden: 0.2, attention: 0.1}", 0.2, "regularization.dropout.hidden"),
    ],
)
def test_facts_know_where_dropout_is_written(facts, dropout, probability, key):
    config = parse_config(
        f"data: {{train: demo:support}}\nregularization: {{dropout: {dropout}, patience: 5}}\n", name="small.yaml"
    )

    found = facts_of(
        config,
        history=facts().history,
        run_path="runs/small",
        config_name="small.yaml",
        rows={"train": 8, "validation": 2},
        class_counts={"a": 4, "b": 4},
        steps=10,
        parameters=1000,
    )

    assert (found.dropout, found.dropout_key, found.patience) == (probability, key, 5)
