"""What a database said when it could not be used, as one line and what to do about it. Never a password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regtune.errors import EnvironmentFault
from regtune.search.storage.url import address
from regtune.wording import cut, printable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import DBAPIError

# What is found in the server's or the driver's words → what to do; the first that fits. {user}, {name}, {host}: of the
# URL. A server that speaks another language gets the last hint.
HINTS = (
    (
        r"password authentication|no password supplied|access denied for user",
        "check user and password; the password may stay out of the URL: ~/.pgpass or PGPASSWORD",
    ),
    (r'role ".*" does not exist', "check the user in the URL; `createuser {user}` on the server makes it"),
    (r'database ".*" does not exist|unknown database', "`createdb -h {host} -O {user} {name}` makes it"),
    (r"pg_hba\.conf|peer authentication", "let this machine and user in: pg_hba.conf on the server"),
    (
        r"too many clients|connection slots|too many connections",
        "fewer workers, or a higher max_connections on the server: a worker holds two connections",
    ),
    (r"^invalid (port|sslmode|connection option)|SSL", "check port and options in the storage URL"),
    (r"permission denied", "the user needs the right to make tables: GRANT ALL ON SCHEMA public TO {user}"),
    (r"locked", "another program holds the file: close it and run the same command again"),
    (r"disk is full|disk i/o|no space", "free some space and run the same command again"),
    (r"readonly|read-only|unable to open", "make the file and its folder writable"),
    (
        r"malformed|not a database|no such (table|column)",
        "the file is damaged or was changed by another program: restore it, or move it away and start again",
    ),
    (r"", "check host and port, and that the server runs and can be reached from this machine"),
)
PIP = {
    "psycopg": "pip install 'regtune[postgres]'",
    "pymysql": "pip install pymysql",
    "MySQLdb": "pip install mysqlclient, or write mysql+pymysql:// and pip install pymysql",
}


def database_fault(url: URL, error: DBAPIError | OSError) -> EnvironmentFault:
    """An error of the driver or the network, as one line: which database, what it said."""
    reason = _reason(str(error if isinstance(error, OSError) else error.orig), password=url.password)
    wanted = next(hint for pattern, hint in HINTS if re.search(pattern, reason, re.IGNORECASE))
    user, name, host = (printable(part or "") for part in (url.username or "USER", url.database, url.host))
    return EnvironmentFault(
        f"database {address(url)}: {reason}", hint=wanted.format(user=user, name=name, host=host or "localhost")
    )


def missing_driver(url: URL, error: ImportError) -> EnvironmentFault:
    """The package that speaks with the database is not installed."""
    package = error.name or url.drivername.partition("+")[2]
    return EnvironmentFault(
        f"database {address(url)}: {url.get_backend_name()} needs the package {printable(package)}, "
        "which is not installed",
        hint=PIP.get(package, f"pip install {printable(package)}"),
    )


def _reason(text: str, *, password: object) -> str:
    """The first line of libpq's text without its preamble ("connection to server at … failed: FATAL:  …")."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no answer")
    line = line.rsplit(" failed: ", 1)[-1].removeprefix("connection is bad: ")
    line = re.sub(r"^(FATAL|ERROR):\s+", "", line)
    if password and len(str(password)) > 3:  # a shorter one would be found in ordinary words
        line = line.replace(str(password), "***")
    return cut(printable(line), length=200)
