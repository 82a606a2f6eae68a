"""The sweep file: with a base or in place, settled, and every problem of both files one line with its place."""

import json
from pathlib import Path

import pytest

from regtune.config import Config, load_config, schema_json
from regtune.errors import ConfigError
from regtune.search.sweep_file import load_sweep, sweep_schema_json

CONFIGS = Path(__file__).parents[2] / "configs"
BASE = """\
model: tiny
data: {train: a.csv}
training: {learning_rate: 1e-3}
output: runs/base
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files into the working directory: name (with _ for the dot) = text."""
    monkeypatch.chdir(tmp_path)

    def write(sweep, base=BASE):
        (tmp_path / "base.yaml").write_text(base, "utf-8")
        (tmp_path / "sweep.yaml").write_text(sweep, "utf-8")
        return "sweep.yaml"

    return write


def problems(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load_sweep(path, overrides)
    return list(caught.value.problems)


# ---- what is read ----------------------------------------------------------------------------------------------------


def test_the_base_lies_beside_the_sweep_file(write, tmp_path, monkeypatch):
    write("base: base.yaml\nsweep: {trials: 7}")
    monkeypatch.chdir(tmp_path.parent)

    sweep = load_sweep(tmp_path / "sweep.yaml")

    assert type(sweep.config) is Config
    assert (sweep.config.model, sweep.settings.trials, sweep.output) == ("tiny", 7, None)
    assert sweep.config.output is None
    assert sweep.config_name == str(tmp_path / "sweep.yaml")


def test_a_config_can_stand_in_place(write):
    sweep = load_sweep(write(BASE + "sweep: {trials: 5, confirm: 2}"))

    assert (sweep.config.training.learning_rate, sweep.settings.trials, sweep.output) == (1e-3, 5, "runs/base")


def test_a_training_config_is_a_sweep_with_all_defaults(write):
    sweep = load_sweep(write(BASE))

    assert (sweep.settings.trials, sweep.settings.confirm, sweep.settings.folds) == (20, 9, 5)
    assert (sweep.space, sweep.output, sweep.notes) == (None, None, ())


def test_overrides_change_the_base_and_the_search(write):
    path = write("base: base.yaml\nsweep: {trials: 7}")

    sweep = load_sweep(path, ["training.epochs=3", "sweep.trials=9", "output=runs/x", "model=minilm"])

    assert (sweep.config.training.epochs, sweep.settings.trials, sweep.output) == (3, 9, "runs/x")
    assert sweep.config.model == "minilm"


def test_one_key_of_the_space_can_be_set_on_the_command_line(write):
    path = write("base: base.yaml\nsweep:\n  space: {regularization.dropout: [0, 0.1]}")

    sweep = load_sweep(path, ["sweep.space.training.learning_rate=[1e-4, 1e-3]"])

    assert sweep.space.keys == ("regularization.dropout", "training.learning_rate")


def test_the_base_keeps_which_keys_were_written(write):
    assert load_sweep(write("base: base.yaml")).config.training.model_fields_set == {"learning_rate"}


def test_a_space_left_out_is_the_default_one(write):
    space = load_sweep(write("base: base.yaml")).space_for("text-classification", steps=500)

    assert "regularization.smoothing" in space.keys


def test_a_sweep_written_out_is_the_same_sweep(write, tmp_path):
    sweep = load_sweep(write("base: base.yaml\nsweep: {trials: 5, folds: 1, seeds: 3}"))
    space = sweep.space_for("text-classification", steps=500)
    (tmp_path / "again.yaml").write_text(sweep.to_yaml(space), "utf-8")

    again = load_sweep("again.yaml")

    assert (again.config, again.settings, again.space) == (sweep.config, sweep.settings, space)


def test_the_schema_has_the_sweep_and_needs_a_base_or_data():
    schema = json.loads(sweep_schema_json())

    assert {"base", "sweep", "training"} <= set(schema["properties"])
    assert schema["oneOf"] == [{"required": ["base"]}, {"required": ["data"]}]
    assert "sweep" not in json.loads(schema_json())["properties"]


# ---- what is settled -------------------------------------------------------------------------------------------------


def settled(write, section, base=BASE):
    sweep = load_sweep(write(f"base: base.yaml\nsweep: {section}", base))
    return sweep.settings, sweep.notes


def test_few_trials_confirm_at_most_all_of_them(write):
    assert settled(write, "{trials: 4}")[0].confirm == 4


def test_a_validation_file_is_repeated_with_seeds(write):
    settings, notes = settled(write, "{trials: 10}", BASE.replace("a.csv", "a.csv, validation: b.csv"))

    assert (settings.folds, settings.seeds) == (1, 5)
    assert notes == ("with a validation file there are no folds: candidates are repeated with 5 seeds on one split",)


def test_a_written_share_that_folds_replace_is_noted(write):
    base = BASE.replace("a.csv", "a.csv, validation: 0.3")

    assert settled(write, "{folds: 5}", base)[1] == (
        "data.validation 0.3 is not used: each of 5 folds is held out in turn",
    )
    assert settled(write, "{folds: 5}", base.replace("0.3", "0.2"))[1] == ()


def test_one_repetition_has_nothing_to_confirm_on(write):
    settings, notes = settled(write, "{folds: 1}")

    assert settings.confirm == 0
    assert notes == ("one fold and one seed leave nothing to confirm on: the ranking is that of the search",)


def test_a_grid_has_as_many_trials_as_points_and_two_more(write):
    settings, notes = settled(write, "{sampler: grid, space: {regularization.dropout: [0, 0.1, 0.2]}}")

    assert (settings.trials, settings.confirm, notes) == (5, 5, ())


def test_a_grid_smaller_than_the_trials_is_noted(write):
    _, notes = settled(write, "{sampler: grid, trials: 9, space: {regularization.dropout: [0, 0.1, 0.2]}}")

    assert notes == ("the grid has 3 points: the sweep ends after 5 trials, not 9",)


# ---- bad input -------------------------------------------------------------------------------------------------------

LIST = "regularization.dropout: [0, 0.1, 0.2]"
SWITCHED = "regularization.dropout: {low: 0.1, high: 0.3, off: true}"
RATE = "training.learning_rate: {low: 1e-4, high: 1e-3}"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("trails: 3", "trails: unknown key, did you mean trials?"),
        ("trials: 0", "trials: must be at least 2, got 0"),
        ("trials: 1", "trials: must be at least 2, got 1"),
        ("trials: many", 'trials: must be a whole number, got "many"'),
        ("folds: 0", "folds: must be at least 1, got 0"),
        ("workers: 0", "workers: must be at least 1, got 0"),
        ("workers: all", 'workers: must be a whole number in [1, 1024] or auto, got "all"'),
        ("sampler: bayes", 'sampler: must be auto, gp, tpe, random or grid, got "bayes"'),
        ("objective: accurracy", 'objective: must be loss or a metric of the task, got "accurracy", did you mean '
         "accuracy?"),
        ("space: 3", "space: must be a section of keys such as training.learning_rate, each with its choices, got 3"),
        ("space: {}", "space: is empty; leave it out for the default space, or name a key with its choices"),
        ("space: {regularization.droput: [0, 1]}", "space.regularization.droput: unknown key, did you mean dropout?"),
        ("space: {regularization.dropout: [0, 1.2]}", "space.regularization.dropout: must be below 1, got 1.2"),
        ("space: {training.seed: [0, 1]}", "space.training.seed: is no setting to choose: the best seed is luck. For "
         "several seeds, set sweep.seeds"),
        (f"{{sampler: gp, pruner: median, space: {{{LIST}}}}}", "pruner: must be none with sampler gp, got median: gp "
         "learns nothing from a pruned trial; sampler tpe or auto does"),
        (f"{{sampler: gp, space: {{{SWITCHED}}}}}", "sampler: must be auto or tpe in a space with off: gp needs every "
         "value in every trial, got gp"),
        ("sampler: grid", "sampler: grid needs a space: the default one is continuous, it has no grid"),
        (f"{{sampler: grid, space: {{{RATE}}}}}", "sampler: must not be grid: training.learning_rate: a grid needs a "
         "step or a list of choices"),
        (f"{{sampler: grid, trials: 4, confirm: 0, space: {{{LIST}}}}}", "trials: must be at least 5, 3 points of the "
         "grid and your own config and everything off, got 4"),
        ("{sampler: grid, space: {training.batch_size: {low: 1, high: 1000000}}}", "sampler: must not be grid: "
         "1,000,000 points, a sweep has at most 10,000 trials"),
        ("{trials: 5, confirm: 6}", "confirm: must be at most trials, 5, got 6"),
        ("{folds: 1, confirm: 3}", "confirm: must be 0 with folds 1 and seeds 1: there is nothing else to confirm on"),
    ],
)  # fmt: skip
def test_a_wrong_sweep_section_is_one_line(write, section, expected):
    """The section is written on line 3, in one line."""
    path = write(f"base: base.yaml\n# a sweep\nsweep: {section if section[0] == '{' else '{' + section + '}'}")

    assert problems(path) == [f"sweep.yaml:3: sweep.{expected}"]


def test_folds_cannot_be_cut_from_a_validation_file(write):
    path = write("base: base.yaml\nsweep: {folds: 3}", BASE.replace("a.csv", "a.csv, validation: b.csv"))

    assert problems(path) == [
        'sweep.yaml:2: sweep.folds: must be 1 with a validation file, "b.csv", got 3: folds are cut from the training '
        "rows; set data.validation to a share, or repeat with seeds"
    ]


def test_problems_of_both_files_and_the_command_line_come_at_once(write):
    path = write(
        "base: base.yaml\nsweep:\n  trails: 3\n  space:\n    training.epochs: [1, 2.5]\n",
        BASE + "regularization: {dropout: 1.3}\n",
    )

    assert problems(path, "sweep.folds=0", "lr=3") == [
        "base.yaml:5: regularization.dropout: must be below 1, got 1.3",
        "sweep.yaml:3: sweep.trails: unknown key, did you mean trials?",
        "sweep.yaml:5: sweep.space.training.epochs: must be a whole number, got 2.5",
        "command line: sweep.folds: must be at least 1, got 0",
        "command line: lr: unknown key, did you mean training.learning_rate?",
    ]


def test_a_config_section_beside_base_is_told_where_to_go(write):
    assert problems(write("base: base.yaml\ntraining: {epochs: 3}\n")) == [
        "sweep.yaml:2: training: cannot stand beside base; put it into base.yaml, or on the command line as "
        "training.epochs=…"
    ]


@pytest.mark.parametrize(
    ("sweep", "expected"),
    [
        ("base: bas.yaml", "sweep.yaml:1: base: bas.yaml: no such file, did you mean base.yaml?"),
        ("base: 3", "sweep.yaml:1: base: must be the name of a config, got 3"),
        ("base: sweep.yaml", "sweep.yaml:1: base: must be a training config, sweep.yaml:1 has base"),
        ("base: base.yaml\nsweeep: {}", "sweep.yaml:2: sweeep: unknown key, did you mean sweep?"),
        ("sweep: {trials: 3}", "sweep.yaml: data.train: missing"),
        ("base: base.yaml\nsweep: 3",
         "sweep.yaml:2: sweep: must be a section with keys such as trials, confirm or folds, got 3"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(write, sweep, expected):
    assert problems(write(sweep)) == [expected]


def test_a_base_is_not_chosen_on_the_command_line(write):
    assert problems(write("base: base.yaml"), "base=other.yaml") == [
        "command line: base: is read before the command line; name the config in the sweep file"
    ]


def test_train_says_what_a_sweep_file_is_for(write):
    with pytest.raises(ConfigError) as caught:
        load_config(write("base: base.yaml\nsweep: {trials: 3}"))

    assert caught.value.problems == (
        "sweep.yaml:1: base: a sweep file has this, a training config does not; search with `regtune sweep sweep.yaml`",
    )


# ---- the shipped one -------------------------------------------------------------------------------------------------


def test_the_shipped_sweep_opens_with_needs_command_and_override():
    header = (CONFIGS / "sweep.yaml").read_text("utf-8").split("\n\n")[0]

    assert "# Needs " in header
    assert "# Run       regtune sweep configs/sweep.yaml\n" in header


def test_the_shipped_sweep_and_its_suggestion_load():
    line = next(line for line in (CONFIGS / "sweep.yaml").read_text("utf-8").splitlines() if line.startswith("# Try "))

    sweep, tried = load_sweep(CONFIGS / "sweep.yaml"), load_sweep(CONFIGS / "sweep.yaml", line.split("yaml")[1].split())

    assert sweep.notes == ()
    assert (tried.settings.trials, tried.config.training.epochs) == (6, 10)


def test_the_shipped_space_is_the_default_one_for_its_base():
    """Written out so that it can be changed; 20 epochs × 29 batches = 580 steps."""
    sweep = load_sweep(CONFIGS / "sweep.yaml")
    default = load_sweep(CONFIGS / "small.yaml").space_for("text-classification", steps=580)

    assert set(sweep.space.dimensions) == set(default.dimensions)
