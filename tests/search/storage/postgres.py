"""A PostgreSQL server of a test's own: made in its folder, on loopback and a free port, gone when the test ends.

Binaries are those on PATH or in /usr/lib/postgresql (Debian and Ubuntu: `apt install postgresql`).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

USER = "regtune"
PASSWORD = "se cret@/:?#%"  # every sign that means something in a URL
SECONDS = 60  # for any one step of the server


@dataclass(frozen=True)
class Postgres:
    """A server that may be stopped and started again; its data stay."""

    binaries: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Of its database "sweeps", as a user writes it."""
        return self.url_of(name="sweeps")

    def url_of(self, *, user: str = USER, password: str = PASSWORD, name: str) -> str:
        from sqlalchemy.engine import URL

        parts = URL.create("postgresql", user, password, host="127.0.0.1", port=self.port, database=name)
        return parts.render_as_string(hide_password=False)

    def start(self) -> None:
        """Returns when it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k '' -c fsync=off -c max_connections=40"
        log = self.folder / "log"
        self._run("pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-l", str(log), "-o", options)

    def stop(self, *, mode: str = "fast") -> None:
        """mode: fast breaks all connections in good order; immediate is a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.folder / "data"))

    def restart(self) -> None:
        self.stop()
        self.start()

    def create_database(self, name: str) -> None:
        """Takes half the time of a server of its own; sqlalchemy.engine knows the way in."""
        from sqlalchemy import create_engine

        engine = create_engine(self.url_of(name="postgres").replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        engine.dispose()

    def _initialise(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD + "\n", "utf-8")
        _give_to_server_user(password_file)
        self._run(
            *("initdb", "-D", str(self.folder / "data"), "-U", USER, f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
        )

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_as_server_user(), str(self.binaries / program), *arguments]
        output = self.folder / "output"  # not a pipe: the server inherits it, and reading it would never end
        with output.open("ab") as sink:
            done = subprocess.run(command, stdout=sink, stderr=sink, cwd="/", timeout=SECONDS, check=False)
        assert done.returncode == 0, output.read_text("utf-8")


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A fresh server with an empty database "sweeps"; skips the test where PostgreSQL or psycopg is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'regtune[postgres]'")
    binaries = _find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    # Not in tmp_path, whose parents only the user of the tests may enter.
    with tempfile.TemporaryDirectory(prefix="regtune-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _give_to_server_user(folder)
        server = Postgres(binaries=binaries, folder=folder, port=_free_port())
        server._initialise()
        server.start()
        try:
            server.create_database("sweeps")
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop(mode="immediate")


def _find_binaries() -> Path | None:
    """The newest installed version's folder."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in installed), key=lambda path: float(path.parent.name), default=None)


def _as_server_user() -> list[str]:
    """PostgreSQL refuses to run as root; its package makes the user postgres."""
    if os.getuid() != 0:
        return []
    runuser = shutil.which("runuser")
    if runuser is None:
        pytest.skip("running as root, and there is no `runuser` to start PostgreSQL as another user")
    return [runuser, "-u", _server_user(), "--"]


def _server_user() -> str:
    return "postgres" if os.getuid() == 0 else getpass.getuser()


def _give_to_server_user(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, _server_user())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
