"""Where a study is kept: reading, checking and showing a storage URL. Nothing here opens a database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from regtune.errors import ConfigError, EnvironmentFault
from regtune.wording import cut, printable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

EXPECTED = "expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME"
POSTGRES_HINT = "give a database server instead: --storage postgresql://USER@HOST/NAME"

# A bare name would take SQLAlchemy's own default driver, which differs between its versions.
DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
SECRET_OPTIONS = ("password", "passwd", "sslpassword")


def default_url(folder: Path) -> str:
    """The study database of a sweep's folder: sweep.db in it, by its absolute path. Loads SQLAlchemy (0.1 s)."""
    from sqlalchemy.engine import URL

    path = str((folder / "sweep.db").resolve())
    return URL.create("sqlite", database=path).render_as_string(hide_password=False)


def parse_url(url: str) -> URL:
    """The URL with its driver named and, for SQLite, an absolute path. Raises ConfigError, never with a password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise ConfigError(f"storage: {show_url(url)} is not a database URL; {EXPECTED}") from None
    if parsed.drivername in DRIVERS:
        parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "sqlite":
        return _parsed_sqlite(url, parsed)
    if url.count("@") != (parsed.username is not None):  # a password that was cut there
        raise ConfigError(
            f"storage: {show_url(url)} cannot be read: an @ more than the one before the host",
            hint="write special characters of a password in percent form: @ as %40, / as %2F, : as %3A, ? as %3F",
        )
    return parsed


def show_url(url: str) -> str:
    """The URL for people: without any password, in one line. Also for a URL that cannot be read."""
    hidden = re.sub(r"//.*@", _without_password, url, flags=re.DOTALL)
    hidden = re.sub(rf"\b({'|'.join(SECRET_OPTIONS)})=[^&]*", r"\1=***", hidden)
    return cut(printable(hidden), length=120) or "''"


def address(url: URL) -> str:
    """What a message calls the database: HOST:PORT/NAME, or the path of an SQLite file."""
    if url.get_backend_name() == "sqlite":
        return printable(str(url.database))
    hosts = url.query.get("host", ())  # the form of libpq for sockets and for several servers
    host = url.host or ", ".join([hosts] if isinstance(hosts, str) else hosts) or "local socket"
    port = url.port or DEFAULT_PORTS.get(url.get_backend_name())
    return cut(printable(f"{host}{'' if port is None else f':{port}'}/{url.database or ''}"), length=80)


def refuse_other_host(url: str, *, created_on: str, here: str) -> None:
    """Raise EnvironmentFault for an SQLite study of another machine. created_on, here: host names."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and created_on != here:
        raise EnvironmentFault(
            f"{address(parsed)}: made on {printable(created_on)}, this is {printable(here)}; "
            "machines cannot share an SQLite file",
            hint=POSTGRES_HINT,
        )


def _parsed_sqlite(url: str, parsed: URL) -> URL:
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigError(f"storage: driver {printable(parsed.drivername)} is not supported; {EXPECTED}")
    if parsed.host is not None:
        raise ConfigError(f"storage: {show_url(url)} names a host; {EXPECTED} (an absolute path has four slashes)")
    path = parsed.database
    if path is None or path in ("", ":memory:") or path.startswith("file:"):
        raise ConfigError(f"storage: {show_url(url)} names no file; workers need one that they share; {EXPECTED}")
    return parsed.set(database=str(Path(path).resolve()))


def _without_password(before_host: re.Match[str]) -> str:
    user, colon, _ = before_host.group()[2:-1].partition(":")
    return f"//{user}:***@" if colon else f"//{user}@"
