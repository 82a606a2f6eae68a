"""What a storage URL says, and what people see of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtune.errors import ConfigError, EnvironmentFault
from regtune.search.storage.url import address, default_url, parse_url, refuse_other_host, show_url


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg"),
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg2://u@h/d", "postgresql+psycopg2"),
        ("mysql+pymysql://u@h/d", "mysql+pymysql"),
    ],
)
def test_postgresql_means_psycopg_3(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers may have another working directory."""
    monkeypatch.chdir(tmp_path)

    assert parse_url("sqlite:///runs/sweep.db").database == str(tmp_path.resolve() / "runs" / "sweep.db")


def test_every_folder_name_comes_back_from_its_url(tmp_path: Path) -> None:
    folder = tmp_path / "a b%41{x}?#@é"

    assert parse_url(default_url(folder)).database == str(folder.resolve() / "sweep.db")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:secret@h:5432/d", "postgresql://ann:***@h:5432/d"),
        ("postgresql://ann@h/d", "postgresql://ann@h/d"),
        ("postgresql://ann:se@cret/x@h/d", "postgresql://ann:***@h/d"),
        ("postgresql://h/d?user=ann&password=secret&sslmode=require", "postgresql://h/d?user=ann&password=***&sslmode=require"),
        ("sqlite:////data/sweep.db", "sqlite:////data/sweep.db"),
        ("post gresql//ann:secret@h", "post gresql//ann:***@h"),
        ("postgresql://ann:sec\nret@h/d", "postgresql://ann:***@h/d"),
        ("", "''"),
    ],
)  # fmt: skip
def test_people_never_see_a_password(url: str, shown: str) -> None:
    assert show_url(url) == shown


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("postgresql://u:secret@db.example/sweeps", "db.example:5432/sweeps"),
        ("postgresql://u@h:6000/d", "h:6000/d"),
        ("postgresql:///d?host=/var/run/postgresql", "/var/run/postgresql:5432/d"),
        ("postgresql:///d", "local socket:5432/d"),
        ("postgresql:///d?host=a&host=b", "a, b:5432/d"),
        ("sqlite:////data/sweep.db", "/data/sweep.db"),
    ],
)
def test_messages_call_a_database_by_host_port_and_name(url: str, called: str) -> None:
    assert address(parse_url(url)) == called


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "storage: '' is not a database URL"),
        ("nonsense", "storage: nonsense is not a database URL"),
        ("postgresql://u:secret@h:port/d", "storage: postgresql://u:***@h:port/d is not a database URL"),
        ("postgresql://u:s@cret@h/d", "storage: postgresql://u:***@h/d cannot be read: an @ more than"),
        ("postgresql://h/d?user=u&password=s@cret", "storage: postgresql://h/d?user=u&password=*** cannot be read"),
        ("sqlite://", "storage: sqlite:// names no file"),
        ("sqlite:///:memory:", "storage: sqlite:///:memory: names no file"),
        ("sqlite:///file:x.db?uri=true", "storage: sqlite:///file:x.db?uri=true names no file"),
        ("sqlite://host/x.db", "storage: sqlite://host/x.db names a host"),
        ("sqlite+aiosqlite:///x.db", "storage: driver sqlite+aiosqlite is not supported"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(url)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert "cret" not in f"{caught.value}{caught.value.hint}"


def test_an_sqlite_study_of_another_machine_is_refused() -> None:
    with pytest.raises(
        EnvironmentFault, match=r"^/d/sweep.db: made on ann, this is bob; machines cannot share"
    ) as caught:
        refuse_other_host("sqlite:////d/sweep.db", created_on="ann", here="bob")

    assert caught.value.hint == "give a database server instead: --storage postgresql://USER@HOST/NAME"


def test_its_own_machine_and_any_server_are_fine() -> None:
    refuse_other_host("sqlite:////d/sweep.db", created_on="ann", here="ann")
    refuse_other_host("postgresql://u@h/d", created_on="ann", here="bob")
