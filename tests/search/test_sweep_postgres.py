"""A whole sweep in PostgreSQL: the server goes away and comes back; another process joins from another folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.search.storage.postgres import Postgres, running_postgres
from tests.search.whole_sweep import assert_every_job_was_done_once, finish, start, wait_for, write_sweep_file

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def test_a_restart_of_the_server_in_mid_sweep_loses_nothing(
    tmp_path: Path, labelled_file: Path, postgres: Postgres
) -> None:
    url, name = postgres.url, "restarted"
    file = write_sweep_file(tmp_path, rows=labelled_file)
    sweep = start(file, "--storage", url, "--study", name, "--workers", 2, "--json")
    wait_for(
        lambda records: sum(record.status == "running" and len(record.history) > 0 for record in records) == 2,
        url=url,
        study=name,
        process=sweep,
    )

    postgres.restart()

    result = json.loads(finish(sweep))
    assert_every_job_was_done_once(url, name)
    assert result["failures"] == []


def test_another_process_joins_with_a_folder_and_data_of_its_own(
    tmp_path: Path, labelled_file: Path, postgres: Postgres
) -> None:
    url, name = postgres.url, "joined"
    database = ("--storage", url, "--study", name)
    file = write_sweep_file(tmp_path, rows=labelled_file)
    copy = tmp_path / "elsewhere" / "same_rows.csv"
    copy.parent.mkdir()
    copy.write_bytes(labelled_file.read_bytes())
    sweep = start(file, *database, "--workers", 1)
    wait_for(lambda records: len(records) > 0, url=url, study=name, process=sweep)

    joiner = start("join", *database, "--workers", 1, "--folder", tmp_path / "mine", f"data.train={copy}")

    finish(sweep)
    finish(joiner)
    assert_every_job_was_done_once(url, name)
    own, joined = (
        {path.name for path in folder.glob("trials/*")} for folder in (tmp_path / "runs" / "search", tmp_path / "mine")
    )
    assert own
    assert joined
    assert not own & joined


def test_joining_with_other_rows_is_refused(tmp_path: Path, labelled_file: Path, postgres: Postgres) -> None:
    url, name = postgres.url, "guarded"
    file = write_sweep_file(tmp_path, rows=labelled_file)
    sweep = start(file, "--storage", url, "--study", name, "--workers", 1)
    wait_for(lambda records: len(records) > 0, url=url, study=name, process=sweep)
    other = tmp_path / "other.csv"
    other.write_text(labelled_file.read_text().replace("apple", "apricot"))

    joiner = start("join", "--storage", url, "--study", name, "--workers", 1, f"data.train={other}")

    _, errors = joiner.communicate(timeout=120)
    sweep.terminate()
    sweep.communicate(timeout=120)
    assert joiner.returncode == 4
    assert "this machine does not have what the study was begun with (different: " in errors
    assert "Traceback" not in errors
