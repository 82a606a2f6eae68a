"""`regtune ablate` as typed: what reaches the library, and what comes out. The ablation itself is a made-up result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from regtune import api
from regtune.cli.ablate import ablate
from regtune.config.schema import Config
from regtune.errors import ConfigError
from tests.reporting.ablation.ablations import RESULT

app = typer.Typer()
app.command()(ablate)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, dict[str, object]]]:
    """What `api.ablate` was called with."""
    calls: list[tuple[Config, dict[str, object]]] = []

    def made_up(config: Config, **options: object) -> object:
        calls.append((config, options))
        return RESULT

    monkeypatch.setattr(api, "ablate", made_up)
    return calls


@pytest.fixture
def config_file(tmp_path: Path) -> str:
    path = tmp_path / "c.yaml"
    path.write_text("data: {train: demo:support}\n")
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_options_and_overrides_reach_the_library(asked: list, config_file: str) -> None:
    run(config_file, "regularization.dropout=0.3", "--folds", "3", "--workers", "2", "--storage", "sqlite:///x.db")

    ((config, options),) = asked
    assert callable(options.pop("board"))
    assert config.regularization.dropout == 0.3
    assert options == {
        "config_name": config_file,
        "folds": 3,
        "seeds": None,
        "workers": 2,
        "storage": "sqlite:///x.db",
    }


def test_the_tables_come_on_standard_output(asked: list, config_file: str) -> None:
    done = run(config_file)

    assert done.exit_code == 0
    assert done.stdout.startswith(f"ablation of {config_file}: 3 arms × 5 folds")
    assert "smoothing: −0.031 NLL" in done.stdout


def test_json_has_the_figures_and_the_words(asked: list, config_file: str) -> None:
    plain = json.loads(run(config_file, "--json").stdout)

    assert plain["contributions"][1]["in_recipe"]["differences"]["loss"]["value"] == -0.0312
    assert plain["sentences"][1].startswith("smoothing: −0.031 NLL")
    assert plain["caveats"]


@pytest.mark.parametrize(("arguments", "got"), [(["a.yaml", "b.yaml"], "got a.yaml, b.yaml"), (["x.y=1"], "got none")])
def test_one_config_is_asked_for(asked: list, arguments: list[str], got: str) -> None:
    done = run(*arguments)

    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == f"command line: one config, {got}"
    assert asked == []


def test_help_has_an_example() -> None:
    assert "regtune ablate configs/small.yaml --folds 5" in " ".join(run("--help").stdout.split())
