"""A Ray cluster that already runs: connect to it, and find how many workers fit and whether they reach the storage.

It is never started here: `ray.init` without an address would do that, or join whatever this machine ran last.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from regtune.errors import ConfigError, EnvironmentFault
from regtune.network import first_line, within

ADDRESS = re.compile(r"(?:ray://)?(?P<host>[\w.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")
PROBE_SECONDS = 3.0
HTTP2_SETTINGS = b"\x04"  # the kind of frame that either side begins with
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + HTTP2_SETTINGS + b"\0\0\0\0\0"
PORTS = "HOST:6379 works only on a machine of the cluster; from elsewhere use the client port, ray://HOST:10001"

# Ray's own patience with an address at which something else listens is 20 to 30 s; these make it less than 10 s. The
# last one keeps its C++ part from writing over the leaderboard when a node dies. Read by Ray when it is imported.
RAY_SETTINGS = {
    "RAY_NUM_REDIS_GET_RETRIES": "5",  # a second each
    "RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S": "1",  # of three attempts, each twice the one before
    "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S": "2",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine of the cluster. cpus, gpus: all it has, whether free or not."""

    host: str
    cpus: float
    gpus: float

    def slots(self, *, threads: int, use_gpus: bool) -> int:
        """Workers that fit at once."""
        by_cpu = int(self.cpus // threads)
        return min(by_cpu, int(self.gpus)) if use_gpus else by_cpu


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster as it was found."""

    address: str
    nodes: tuple[Node, ...]

    @property
    def gpus(self) -> int:
        return sum(int(node.gpus) for node in self.nodes)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(sorted({node.host for node in self.nodes}))


def check_address(address: str) -> tuple[str, int]:
    """(host, port) of ray://HOST:PORT or HOST:PORT. Raises ConfigError for anything else, "auto" and "local" too."""
    match = ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ConfigError(
            f"--ray: {address} is no address of a Ray cluster, write ray://HOST:10001, or HOST:6379 on a machine of it",
            hint="`ray start --head` prints the address; regtune joins a cluster and never starts one",
        )
    return match["host"].strip("[]"), int(match["port"])


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The cluster at an address, for as long as the block runs. Tasks that still run when it ends are killed by Ray.

    Raises ConfigError for a malformed address; EnvironmentFault, in less than 10 s, when nothing or something else
    listens there, when Ray is not installed here, or in another version than on the cluster.
    """
    check_reachable(address)
    ray = _import_ray()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with _quiet_standard_error():
            ray.init(address=address, log_to_driver=False, logging_level="CRITICAL")
    except Exception as error:  # ConnectionError, RuntimeError, ValueError and Exception itself, by version and moment
        raise _explain(error, address) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray's own leaves with another exit code
    try:
        yield Cluster(address=address, nodes=tuple(_nodes(ray)))
    finally:
        ray.shutdown()


def count_workers(cluster: Cluster, *, threads: int, asked: int | None, use_gpus: bool) -> int:
    """How many workers to start: as many as fit, or as asked. use_gpus: one GPU each where the cluster has any.

    Raises ConfigError when more are asked than fit (they would wait for ever), EnvironmentFault when none fits.
    """
    takes_gpu = use_gpus and cluster.gpus > 0
    fit = sum(node.slots(threads=threads, use_gpus=takes_gpu) for node in cluster.nodes)
    needs = f"{threads} CPU{'s' * (threads > 1)}" + " and 1 GPU" * takes_gpu
    if fit == 0:
        raise EnvironmentFault(
            f"Ray cluster {cluster.address}: no worker fits, each needs {needs} on one node",
            hint="`ray status` shows what the nodes have",
        )
    if asked is not None and asked > fit:
        has = f"{cluster.gpus} GPU{'s' * (cluster.gpus != 1)}" if takes_gpu else f"CPUs for {fit}"
        raise ConfigError(
            f"workers: {asked} asked, but the Ray cluster has {has}; each needs {needs}, allowed is 1 to {fit}"
        )
    return fit if asked is None else asked


def check_storage(cluster: Cluster, url: str) -> None:
    """Raise ConfigError for an SQLite file that a node of the cluster cannot open: it lies on this machine."""
    elsewhere = [host for host in cluster.hosts if host != socket.gethostname()]
    if url.startswith("sqlite") and elsewhere:
        raise ConfigError(
            f"storage: an SQLite file is for one machine, the Ray cluster also has {', '.join(elsewhere[:3])}",
            hint="use a database server: --storage postgresql+psycopg://USER@HOST/DATABASE",
        )


def check_reachable(address: str) -> None:
    """Raise EnvironmentFault unless a gRPC server answers there: Ray itself would try for 20 s, or for minutes.

    Takes 3 s at most and neither needs nor loads Ray. Raises ConfigError for a malformed address.
    """
    host, port = check_address(address)
    try:
        answer = within(PROBE_SECONDS, lambda: _greet(host, port))
    except OSError as error:  # TimeoutError is one
        raise EnvironmentFault(
            f"Ray cluster {address}: cannot be reached ({error.strerror or first_line(error)})",
            hint="is it running, and is the port open from here? `ray status` on its head node tells",
        ) from None
    speaks_tls = os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")
    if answer[3:4] != HTTP2_SETTINGS and not speaks_tls:
        raise EnvironmentFault(f"Ray cluster {address}: something else listens at this port", hint=PORTS)


def _greet(host: str, port: int) -> bytes:
    """What a server answers to the greeting of HTTP/2, on which gRPC is built (RFC 9113, section 3.4)."""
    with socket.create_connection((host, port), timeout=PROBE_SECONDS) as connection:
        connection.sendall(HTTP2_GREETING)
        return connection.recv(9)  # the header of a frame; its fourth byte is the kind


@contextmanager
def _quiet_standard_error() -> Iterator[None]:
    """Ray's C++ part writes there whatever its settings are, once per attempt; what matters is in its exception."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _import_ray() -> Any:
    for name, value in RAY_SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise EnvironmentFault(f"Ray is not installed ({error})", hint="pip install 'regtune[cluster]'") from None
    return ray


def _explain(error: Exception, address: str) -> EnvironmentFault:
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        found = re.sub(r"^.*?ersion mismatch:?\s*", "", text)
        return EnvironmentFault(
            f"Ray cluster {address}: another version of Ray or Python runs there: {found[:200]}",
            hint="regtune needs the same Python and the same `pip install ray==VERSION` here and on the nodes",
        )
    return EnvironmentFault(
        f"Ray cluster {address}: something listens there, but no connection was made ({first_line(error)[:200]})",
        hint=f"{PORTS}; a cluster with tokens needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN",
    )


def _nodes(ray: Any) -> Iterator[Node]:
    for node in ray.nodes():
        if node["Alive"]:
            has = node["Resources"]
            yield Node(host=node["NodeManagerHostname"], cpus=has.get("CPU", 0.0), gpus=has.get("GPU", 0.0))
