"""Which addresses are tried, what is said when nothing answers, how many workers fit; Ray itself is not needed."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from regtune.errors import ConfigError, EnvironmentFault
from regtune.search.workers.places import folder_here
from regtune.search.workers.ray_cluster import (
    HTTP2_SETTINGS,
    Cluster,
    Node,
    check_address,
    check_storage,
    connected,
    count_workers,
)

HERE = socket.gethostname()


@contextlib.contextmanager
def server(answer: bytes) -> Iterator[int]:
    """A port that answers one connection so; nothing: it stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(ConnectionResetError):
                connection.sendall(answer)
                while connection.recv(1000):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]


def cluster_of(*nodes: Node) -> Cluster:
    return Cluster(address="ray://head:10001", nodes=nodes)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("ray://head:10001", ("head", 10001)),
        ("head.example.org:6379", ("head.example.org", 6379)),
        ("ray://[::1]:10001", ("::1", 10001)),
    ],
)
def test_both_kinds_of_address_are_known(address: str, place: tuple[str, int]) -> None:
    assert check_address(address) == place


@pytest.mark.parametrize(
    "address", ["auto", "local", "head", "http://head:8265", "ray://head", "head:0", "head:99999", ""]
)
def test_other_addresses_are_refused_since_ray_would_start_or_guess_a_cluster(address: str) -> None:
    with pytest.raises(ConfigError, match="is no address of a Ray cluster, write ray://HOST:10001"):
        check_address(address)


def test_a_port_where_nothing_listens_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with (
        pytest.raises(EnvironmentFault, match=f"127.0.0.1:{port}: cannot be reached .*refused"),
        connected(f"127.0.0.1:{port}"),
    ):
        pass


def test_a_port_of_something_else_is_said_so() -> None:
    with (
        server(b"SSH-2.0-OpenSSH_9.2\r\n") as port,
        pytest.raises(EnvironmentFault, match="something else listens at this port") as caught,
        connected(f"ray://127.0.0.1:{port}"),
    ):
        pass

    assert "ray://HOST:10001" in str(caught.value.hint)


def test_a_silent_port_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray itself would wait for minutes."""
    monkeypatch.setattr("regtune.search.workers.ray_cluster.PROBE_SECONDS", 0.2)
    began = time.monotonic()

    with (
        server(b"") as port,
        pytest.raises(EnvironmentFault, match=r"cannot be reached \(no answer within 0.2 s\)|timed out"),
        connected(f"127.0.0.1:{port}"),
    ):
        pass

    assert time.monotonic() - began < 3


def test_without_ray_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("regtune.search.workers.ray_cluster.os.environ", {})

    with (
        server(b"\0\0\0" + HTTP2_SETTINGS + b"\0" * 5) as port,
        pytest.raises(EnvironmentFault, match="Ray is not installed") as caught,
        connected(f"127.0.0.1:{port}"),
    ):
        pass

    assert caught.value.hint == "pip install 'regtune[cluster]'"


def test_workers_fill_every_node_with_whole_workers() -> None:
    """Two threads each: 3 CPUs hold one, 4 hold two; the odd CPUs of two nodes make no worker together."""
    cluster = cluster_of(Node(host="a", cpus=3, gpus=0), Node(host="b", cpus=4, gpus=0), Node(host="c", cpus=1, gpus=0))

    assert count_workers(cluster, threads=2, asked=None, use_gpus=True) == 3


def test_where_there_are_gpus_each_worker_has_one_of_its_own() -> None:
    cluster = cluster_of(Node(host="a", cpus=16, gpus=2), Node(host="b", cpus=16, gpus=0))

    assert count_workers(cluster, threads=1, asked=None, use_gpus=True) == 2
    assert count_workers(cluster, threads=1, asked=None, use_gpus=False) == 32


def test_fewer_workers_than_fit_can_be_asked() -> None:
    assert count_workers(cluster_of(Node(host="a", cpus=8, gpus=0)), threads=1, asked=3, use_gpus=True) == 3


def test_more_workers_than_gpus_are_refused_with_both_numbers() -> None:
    cluster = cluster_of(Node(host="a", cpus=16, gpus=2), Node(host="b", cpus=16, gpus=1))

    with pytest.raises(ConfigError) as caught:
        count_workers(cluster, threads=1, asked=4, use_gpus=True)

    assert str(caught.value) == (
        "workers: 4 asked, but the Ray cluster has 3 GPUs; each needs 1 CPU and 1 GPU, allowed is 1 to 3"
    )


def test_more_workers_than_cpus_are_refused_since_they_would_wait_for_ever() -> None:
    with pytest.raises(ConfigError, match=r"5 asked, but the Ray cluster has CPUs for 2; each needs 2 CPUs"):
        count_workers(cluster_of(Node(host="a", cpus=4, gpus=0)), threads=2, asked=5, use_gpus=True)


def test_a_cluster_where_no_worker_fits_is_said_so() -> None:
    with pytest.raises(EnvironmentFault, match="no worker fits, each needs 1 CPU on one node"):
        count_workers(cluster_of(Node(host="head", cpus=0, gpus=0)), threads=1, asked=None, use_gpus=True)


def test_sqlite_is_refused_where_a_node_is_another_machine() -> None:
    nodes = Node(host=HERE, cpus=1, gpus=0), Node(host="elsewhere", cpus=1, gpus=0)

    with pytest.raises(ConfigError, match="an SQLite file is for one machine, the Ray cluster also has elsewhere"):
        check_storage(cluster_of(*nodes), "sqlite:////home/me/runs/sweep/sweep.db")


@pytest.mark.parametrize(
    ("host", "url"), [(HERE, "sqlite:////tmp/sweep.db"), ("elsewhere", "postgresql+psycopg://me@db/sweeps")]
)
def test_sqlite_on_this_machine_and_any_server_are_fine(host: str, url: str) -> None:
    check_storage(cluster_of(Node(host=host, cpus=1, gpus=0)), url)


def test_trials_lie_in_the_sweeps_folder_where_it_can_be_seen_else_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "runs" / "tickets"

    assert folder_here(folder, "team/tickets") == tmp_path / ".cache" / "regtune" / "team_tickets"

    folder.mkdir(parents=True)

    assert folder_here(folder, "team/tickets") == folder
