"""Imports go one way, and nothing slow is loaded before it is needed."""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "regtune"

# From the ground up. A module may import from lower levels and from its own level; the packages of one level must not
# form a circle. `regtune` itself (the package's __init__) imports only api, on first use.
LEVELS = [
    {"errors", "wording", "digest", "network"},
    {"config", "run", "history"},
    {"data", "tasks", "models", "regularization"},
    {"training", "evaluation", "diagnosis"},
    {"search"},
    {"reporting"},
    {"api"},
    {"doctor"},
    {"cli"},
    {"__main__", "__init__"},
]
MAY_IMPORT_TORCH = (
    "training/",
    "models/",
    "evaluation/",
    "tasks/",
    "data/encode.py",
    "search/storage/patient.py",
    "search/trial_sampler.py",
)


def part_of(module: str) -> str:
    """regtune.data.splits → data."""
    return [*module.split("."), "__init__"][1]


def imports_of(path: Path, *, only_at_import: bool = False) -> set[str]:
    """Modules that a file imports; only_at_import leaves out functions and `if TYPE_CHECKING`."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if only_at_import and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return
        if only_at_import and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text("utf-8")))
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


def edges() -> set[tuple[str, str, str]]:
    """(importing part, imported part, file)."""
    result = set()
    for path in FILES:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        for module in imports_of(path):
            if module == "regtune" or module.startswith("regtune."):
                target = part_of(module)
                result.add((parts[0], "api" if target == "__init__" else target, str(path.relative_to(PACKAGE))))
    return {edge for edge in result if edge[0] != edge[1]}


def level_of(part: str) -> int:
    return next(i for i, level in enumerate(LEVELS) if part in level)


def test_every_part_has_a_level() -> None:
    parts = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in FILES}

    assert parts == set().union(*LEVELS)


def test_no_import_goes_up() -> None:
    upward = sorted(edge for edge in edges() if level_of(edge[1]) > level_of(edge[0]))

    assert upward == []


def test_parts_of_one_level_form_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for source, target, _ in edges():
        if level_of(source) == level_of(target):
            graph.setdefault(source, set()).add(target)

    def reaches(start: str, goal: str, seen: frozenset[str] = frozenset()) -> bool:
        return any(n == goal or (n not in seen and reaches(n, goal, seen | {n})) for n in graph.get(start, ()))

    assert [part for part in graph if reaches(part, part)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_named_places_import_torch_when_they_are_imported(path: Path) -> None:
    heavy = {module.split(".")[0] for module in imports_of(path, only_at_import=True)}
    heavy &= {"torch", "transformers", "accelerate", "datasets", "pyarrow", "sklearn", "matplotlib", "optuna", "ray"}
    place = path.relative_to(PACKAGE).as_posix()

    assert not heavy or place.startswith(MAY_IMPORT_TORCH)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["train", "--schema"], ["runs", "--help"], ["train", "missing.yaml"]],
)
def test_fast_commands_load_neither_torch_nor_transformers(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "regtune", *arguments], capture_output=True, text=True, check=False
    )

    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert {"typer", "regtune"} <= loaded
    assert not loaded & {"torch", "transformers", "datasets", "pyarrow", "numpy", "sklearn", "matplotlib"}


def test_help_takes_less_than_0_4_seconds_of_cpu() -> None:
    """CPU time, the best of three: a promise to the user, and other work on the machine does not count."""

    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "regtune", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_seconds() for _ in range(3)) < 0.4


def test_importing_regtune_offers_the_api_without_loading_it() -> None:
    code = "import regtune, sys; assert 'torch' not in sys.modules; print(sorted(regtune.__all__))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    names = ["ablate", "evaluate", "join_sweep", "list_runs", "load_config", "load_run", "predict", "resume"]
    names += ["resume_repeats", "show_sweep", "sweep", "train", "train_repeats"]
    assert done.stdout.strip() == str(names)
