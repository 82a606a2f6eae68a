import pytest

from regtune.diagnosis.base import facts_of, number, train_command
from regtune.run import Run


@pytest.fixture
def facts(make_facts, curves):
    return lambda **more: make_facts(**curves["healthy"], **more)


@pytest.fixture
def make_run(tmp_path, facts):
    """A run folder with what the diagnosis reads."""

    def make(*, dropout="0.1", config_name="small.yaml"):
        run = Run(tmp_path)
        settings = f"{{dropout: {dropout}, patience: 5}}"
        run.config_path.write_text(f"data: {{train: 'demo:support'}}\nregularization: {settings}\n", "utf-8")
        run.write_history(facts().history)
        plan = {
            "rows": {"train": 8, "validation": 2},
            "steps": 10,
            "parameters": 1000,
            "chance_loss": 0.6931,
            "answer_kind": "class",
        }
        run.update(task="text-classification", config_name=config_name, overrides=["training.epochs=3"], plan=plan)
        run.write_json("data.json", {"counts": {"train": {"a": 4, "b": 4}}})
        return run

    return make


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
def test_facts_know_where_dropout_is_written(make_run, dropout, probability, key):
    found = facts_of(make_run(dropout=dropout))

    assert (found.dropout, found.dropout_key) == (probability, key)


def test_facts_come_from_the_four_files_of_the_run(make_run):
    found = facts_of(make_run(config_name="small.yaml"))

    assert (found.config_name, found.overrides, found.patience) == ("small.yaml", ("training.epochs=3",), 5)
    assert (found.rows["validation"], found.class_counts, found.steps) == (2, {"a": 4, "b": 4}, 10)
    assert found.chance_loss == 0.6931
    assert len(found.history) == 5


def test_a_run_without_a_name_starts_again_from_its_own_config(make_run):
    run = make_run(config_name=None)

    command = train_command(facts_of(run), **{"training.seed": "1"})

    assert command == f"regtune train {run.config_path} training.seed=1"
