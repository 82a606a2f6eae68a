"""Opening the database that holds a study: SQLite in the sweep's folder, PostgreSQL, or another one of SQLAlchemy's.

    storage = open_storage("postgresql://regtune@db.example/sweeps")
    study = optuna.load_study(storage=storage, study_name="small")

Whatever stands in the way is said in one line within 10 s, and nothing is left behind. Once open, the storage waits out
an outage by itself (`patient`), so callers call Optuna as if nothing could happen.

SQLite is used with its defaults except for a longer wait for the lock. Measured with 8 processes that write as fast as
they can for 15 s (create, 5 × heartbeat, report and attribute, list, finish) on two cores: 0 of 7,992 calls failed, the
slowest took 1.1 s. Write-ahead logging made 1.7 × as many calls; trials write a few times a minute, so it is not worth
its two more files beside the database.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regtune.errors import ConfigError, EnvironmentFault
from regtune.network import first_line, within
from regtune.search.storage.faults import database_fault, missing_driver
from regtune.search.storage.sqlite_file import check_sqlite_file
from regtune.search.storage.url import (
    EXPECTED,
    address,
    default_url,
    parse_url,
    refuse_other_host,
    show_url,
)
from regtune.wording import printable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from regtune.search.storage.patient import PatientStorage

__all__ = ["check_storage", "default_url", "open_storage", "refuse_other_host", "show_url"]

PATIENCE_SECONDS = 300.0  # how long a call waits for a database that is away
REPORT_SECONDS = 9.0  # within which the first connection is made or given up, name look-up included
CREATE_SECONDS = 5.0  # within which another process is done creating the tables that we want to create
LOCK_SECONDS = 30.0  # how long SQLite waits for another process's write, before patience begins
MAX_RETRIES = 3  # of a trial whose worker died

# Seconds unless named otherwise. A server that vanishes and leaves its connections open is noticed by the later ones.
CONNECT_OPTIONS: dict[str, dict[str, Any]] = {
    "psycopg": {
        "connect_timeout": 4,  # for each address of a host; localhost has two
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,  # ms
    },
    "mysqldb": {"connect_timeout": 4, "read_timeout": 60},
    "pymysql": {"connect_timeout": 4, "read_timeout": 60},
}


def open_storage(
    url: str,
    *,
    must_exist: bool = False,
    heartbeat_seconds: int = 30,
    grace_seconds: int = 120,
    patience_seconds: float = PATIENCE_SECONDS,
    start_patience_seconds: float = 0,
) -> PatientStorage:
    """The storage at a URL, its tables created unless they are there.

    must_exist: raise instead of creating anything. A trial whose worker has not been heard of for grace_seconds is
    failed and enqueued again, up to three times, by another worker, which first looks twice, two heartbeats apart.
    start_patience_seconds: how long to wait for a server that is away at the start; workers wait, people do not.

    Raises ConfigError for a URL that cannot be right, EnvironmentFault for a database that cannot be used.
    """
    check_storage(url, must_exist=must_exist, patience_seconds=start_patience_seconds)
    return _created(
        parse_url(url),
        patience_seconds=patience_seconds,
        heartbeat_interval=heartbeat_seconds,
        grace_period=grace_seconds,
    )


def check_storage(url: str, *, must_exist: bool = False, patience_seconds: float = 0) -> None:
    """Raise what `open_storage` would, and make nothing: for the moment before anything slow is begun."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        check_sqlite_file(path, must_exist=must_exist)
        tables = _tables(parsed, patience_seconds=0) if path.exists() else set()  # connecting would make an empty file
    else:
        tables = _tables(parsed, patience_seconds=patience_seconds)
    _check_tables(parsed, tables, must_exist=must_exist)


def _tables(url: URL, *, patience_seconds: float) -> set[str]:
    """Names of the tables that are there: the first answer of the database, which brings every fault to light."""
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import DBAPIError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        options = _connect_options(url, lock_seconds=REPORT_SECONDS / 2)
        engine = create_engine(url, poolclass=NullPool, connect_args=options)
    except NoSuchModuleError:
        raise ConfigError(f"storage: unknown database {printable(url.drivername)}; {EXPECTED}") from None
    except ImportError as error:
        raise missing_driver(url, error) from None
    if engine.dialect.is_async:
        raise ConfigError(f"storage: driver {printable(url.drivername)} is asynchronous; {EXPECTED}")

    def ask() -> set[str]:
        with engine.connect() as connection:
            return set(inspect(connection).get_table_names())

    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return within(REPORT_SECONDS, ask)
        except (DBAPIError, OSError) as error:
            if time.monotonic() >= deadline:
                raise database_fault(url, error) from None
        except ValueError:  # a host name that cannot be one, in the driver's or Python's words
            raise ConfigError(f"storage: {address(url)} is no address; {EXPECTED}") from None
        time.sleep(min(1.0, patience_seconds))


def _check_tables(url: URL, tables: set[str], *, must_exist: bool) -> None:
    from optuna.storages._rdb.models import BaseModel

    known = tables & {*BaseModel.metadata.tables, "alembic_version"}
    if must_exist and "studies" not in known:
        raise EnvironmentFault(f"{address(url)}: holds no study", hint="check the URL; `regtune sweep` makes a study")
    if url.get_backend_name() == "sqlite" and tables and not known:  # a server's database may well be shared
        example = printable(min(tables))
        raise ConfigError(f"storage: {address(url)} is a database of something else (table {example}), left as it is")


def _created(url: URL, *, heartbeat_interval: int, grace_period: int, patience_seconds: float) -> PatientStorage:
    """The storage, its tables created. Several processes may do so at once: who comes second fails and tries again."""
    import optuna
    from optuna.exceptions import ExperimentalWarning, StorageInternalError
    from sqlalchemy.exc import DBAPIError

    from regtune.search.storage.patient import PatientStorage

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # the leaderboard says it
    deadline = time.monotonic() + CREATE_SECONDS
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # heartbeat and retry are
                return PatientStorage(
                    url,
                    patience_seconds=patience_seconds,
                    engine_kwargs={
                        "connect_args": _connect_options(url, lock_seconds=LOCK_SECONDS),
                        "pool_pre_ping": True,
                    },
                    heartbeat_interval=heartbeat_interval,
                    grace_period=grace_period,
                    # Intermediate values are not inherited: a retry goes on from a checkpoint, which knows the
                    # evaluations until then, and reports them again; Optuna warns of a step reported twice.
                    heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(
                        max_retry=MAX_RETRIES, inherit_intermediate_values=False
                    ),
                )
        except (DBAPIError, StorageInternalError) as error:
            if time.monotonic() >= deadline:
                cause = error if isinstance(error, DBAPIError) else error.__cause__
                raise (database_fault(url, cause) if isinstance(cause, DBAPIError) else error) from None
        except RuntimeError as error:  # tables of another version of Optuna
            raise EnvironmentFault(
                f"{address(url)}: {printable(first_line(error))}",
                hint="use the version of Optuna that made the study, or a new database",
            ) from None
        time.sleep(0.1)


def _connect_options(url: URL, *, lock_seconds: float) -> dict[str, Any]:
    """Options of the driver; what the URL itself says (`?connect_timeout=20`) stands."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": lock_seconds}
    options = CONNECT_OPTIONS.get(url.get_driver_name(), {})
    return {name: value for name, value in options.items() if name not in url.query}
