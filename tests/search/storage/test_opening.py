"""Opening a study's database: what is made, what is refused, and in which words."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest

from regtune.errors import ConfigError, EnvironmentFault, RegtuneError
from regtune.search.storage.opening import default_url, open_storage
from regtune.search.storage.patient import PatientStorage


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Callable[[], PatientStorage]]:
    """Opens the default storage of tmp_path; closed at the end."""
    opened: list[PatientStorage] = []

    def open_default() -> PatientStorage:
        opened.append(open_storage(default_url(tmp_path)))
        return opened[-1]

    yield open_default
    for storage in opened:
        storage.engine.dispose()


def test_a_study_is_there_for_the_next_who_opens_it(open_: Callable[[], PatientStorage]) -> None:
    optuna.create_study(storage=open_(), study_name="s").enqueue_trial({"x": 1})

    assert len(optuna.load_study(storage=open_(), study_name="s").trials) == 1


def test_the_database_is_one_file(open_: Callable[[], PatientStorage], tmp_path: Path) -> None:
    optuna.create_study(storage=open_(), study_name="s")

    assert [path.name for path in tmp_path.iterdir()] == ["sweep.db"]


def test_any_folder_name_will_do(tmp_path: Path) -> None:
    folder = tmp_path / "a b%41{x}?#é"
    folder.mkdir()

    open_storage(default_url(folder)).engine.dispose()

    assert [path.name for path in folder.iterdir()] == ["sweep.db"]


def test_optuna_says_nothing(open_: Callable[[], PatientStorage], capfd: pytest.CaptureFixture[str]) -> None:
    study = optuna.create_study(storage=open_(), study_name="s")
    study.optimize(lambda trial: 1 / 0, n_trials=1, catch=ZeroDivisionError)

    assert capfd.readouterr().err == ""


def test_a_stale_trial_is_retried_three_times_and_reports_its_steps_again(open_: Callable[[], PatientStorage]) -> None:
    """Warnings are errors: a step reported twice would be one."""
    storage = open_()
    study = optuna.create_study(storage=storage, study_name="s")
    retry = storage.get_heartbeat_stale_trial_callback()
    assert retry is not None
    study.enqueue_trial({})

    def die(trial: optuna.Trial) -> float:
        trial.report(0.5, step=1)
        raise ValueError

    for _ in range(4):
        study.optimize(die, n_trials=1, catch=ValueError)
        retry(study, study.trials[-1])

    assert [trial.state.name for trial in study.trials] == ["FAIL"] * 4


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none/x.db", "{folder}/none/x.db: there is no folder {folder}/none"),
        ("folder", "storage: {folder}/folder is no file; expected the path of an SQLite file"),
        ("text.csv", "storage: {folder}/text.csv is not an SQLite database; it is left as it is"),
        ("other.db", "storage: {folder}/other.db is a database of something else (table songs), left as it is"),
        ("damaged.db", "database {folder}/damaged.db: "),
    ],
)
def test_a_path_that_cannot_hold_a_study_is_left_as_it_is(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.csv").write_text("text,label\n", "utf-8")
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    other.close()
    before = contents(tmp_path)

    with pytest.raises(RegtuneError) as caught:
        open_storage(f"sqlite:///{tmp_path / path}")

    assert str(caught.value).startswith(message.format(folder=tmp_path.resolve()))
    assert "\n" not in str(caught.value)
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("content", "message"), [(None, "x.db: no such study database"), (b"", "x.db: holds no study")]
)
def test_a_study_that_must_exist_is_not_created(content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x.db").write_bytes(content)
    before = contents(tmp_path)

    with pytest.raises(EnvironmentFault) as caught:
        open_storage(f"sqlite:///{tmp_path / 'x.db'}", must_exist=True)

    assert str(caught.value).endswith(message)
    assert contents(tmp_path) == before


def test_a_file_that_another_program_holds_is_reported(
    open_: Callable[[], PatientStorage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_()
    monkeypatch.setattr("regtune.search.storage.opening.REPORT_SECONDS", 0.4)
    holder = sqlite3.connect(tmp_path / "sweep.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    with pytest.raises(EnvironmentFault, match=r"sweep.db: database is locked$") as caught:
        open_()

    holder.close()
    assert caught.value.hint == "another program holds the file: close it and run the same command again"


# Permissions do not bind root: there is nothing to see then.
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(EnvironmentFault, match=r"x.db: no permission to write into its folder"):
        open_storage(f"sqlite:///{tmp_path / 'x.db'}")


def test_tables_of_another_optuna_are_refused(open_: Callable[[], PatientStorage], tmp_path: Path) -> None:
    open_()
    with sqlite3.connect(tmp_path / "sweep.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v9.9.9.a'")
    database.close()

    with pytest.raises(EnvironmentFault, match=r"sweep.db: The runtime optuna version \S+ is no longer compatible"):
        open_()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("foo://u:secret@h/d", "storage: unknown database foo; expected sqlite:///PATH or postgresql://"),
        ("postgresql+foo://u:secret@h/d", "storage: unknown database postgresql+foo; expected"),
        ("http://u:secret@h/d", "storage: unknown database http; expected"),
    ],
)
def test_an_unknown_kind_of_database_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_storage(url)

    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "module", "hint"),
    [
        ("postgresql://u:secret@h/d", "psycopg", "pip install 'regtune[postgres]'"),
        ("mysql+pymysql://u:secret@h/d", "pymysql", "pip install pymysql"),
        ("mysql://u@h/d", "MySQLdb", "pip install mysqlclient, or write mysql+pymysql:// and pip install pymysql"),
        ("postgresql+pg8000://u@h/d", "pg8000", "pip install pg8000"),
    ],
)
def test_a_missing_driver_is_named(url: str, module: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(EnvironmentFault, match=rf"needs the package {module}, which is not installed$") as caught:
        open_storage(url)

    assert caught.value.hint == hint


@pytest.fixture
def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_closed_port_is_reported_at_once(closed_port: int) -> None:
    pytest.importorskip("psycopg")
    began = time.monotonic()

    with pytest.raises(EnvironmentFault) as caught:
        open_storage(f"postgresql://u:secret@127.0.0.1:{closed_port}/d")

    assert str(caught.value) == f"database 127.0.0.1:{closed_port}/d: Connection refused"
    assert caught.value.hint == "check host and port, and that the server runs and can be reached from this machine"
    assert time.monotonic() - began < 5


def test_a_silent_server_is_given_up_after_the_time_in_the_url() -> None:
    """Ours is 4 s; 2 s is the least that libpq allows."""
    pytest.importorskip("psycopg")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=rf"^database 127.0.0.1:{port}/d: connection timeout expired$"):
            open_storage(f"postgresql://u:secret@127.0.0.1:{port}/d?connect_timeout=2")


def test_a_name_server_that_hangs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr("regtune.search.storage.opening.REPORT_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: time.sleep(2) or [])

    with pytest.raises(EnvironmentFault, match=r"^database db.example:5432/d: no answer within 0.2 s$"):
        open_storage("postgresql://u:secret@db.example/d")


@pytest.mark.parametrize("url", [f"postgresql://u:secret@{'a' * 300}/d", "postgresql://u:secret@h:99999/d"])
def test_an_impossible_address_is_refused_in_one_line(url: str) -> None:
    pytest.importorskip("psycopg")

    with pytest.raises(RegtuneError) as caught:
        open_storage(url)

    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_worker_waits_for_a_server_that_is_away_at_the_start(closed_port: int) -> None:
    pytest.importorskip("psycopg")
    began = time.monotonic()

    with pytest.raises(EnvironmentFault, match="Connection refused"):
        open_storage(f"postgresql://u@127.0.0.1:{closed_port}/d", start_patience_seconds=0.5)

    assert time.monotonic() - began >= 0.5
