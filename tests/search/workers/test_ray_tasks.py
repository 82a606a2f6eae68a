"""A sweep on a Ray cluster of two nodes, one of which dies; connections that cannot be; Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.search.storage.postgres import Postgres, running_postgres
from tests.search.whole_sweep import (
    assert_every_job_was_done_once,
    finish,
    records_of,
    start,
    wait_for,
    write_sweep_file,
)
from tests.search.workers.ray_nodes import RayNodes, running_ray

pytestmark = pytest.mark.slow

CONNECT = """
import sys
from regtune.errors import RegtuneError
from regtune.search.workers.ray_cluster import connected
try:
    with connected(sys.argv[1]) as cluster:
        print(sum(node.cpus for node in cluster.nodes))
except RegtuneError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayNodes]:
    """One CPU on the head; a test that loses a node starts one for itself."""
    with running_ray() as nodes:
        nodes.start("head", cpus=1)
        yield nodes


def test_a_node_that_dies_in_mid_trial_costs_no_trial(
    tmp_path: Path, labelled_file: Path, postgres: Postgres, cluster: RayNodes
) -> None:
    """Ray starts its worker again on the node that is left as soon as there is room; the study gives the trial out
    again."""
    url, name = postgres.url, "ray"
    cluster.start("second", cpus=1)
    file = write_sweep_file(tmp_path, rows=labelled_file)
    sweep = start(file, "--ray", cluster.address, "--storage", url, "--study", name, environment=cluster.environment)
    wait_for(
        lambda records: sum(record.status == "running" and len(record.history) > 0 for record in records) == 2,
        url=url,
        study=name,
        process=sweep,
    )

    cluster.kill("second")

    finish(sweep)
    assert_every_job_was_done_once(url, name)
    assert max(record.attempts for record in records_of(url, name)) == 2


def test_ctrl_c_saves_the_trials_and_the_same_command_goes_on(
    tmp_path: Path, labelled_file: Path, postgres: Postgres, cluster: RayNodes
) -> None:
    url, name = postgres.url, "interrupted"
    file = write_sweep_file(tmp_path, rows=labelled_file)
    words = (file, "--ray", cluster.client_address, "--storage", url, "--study", name)
    sweep = start(*words, environment=cluster.environment)
    wait_for(
        lambda records: any(record.status == "running" and len(record.history) > 2 for record in records),
        url=url,
        study=name,
        process=sweep,
    )

    sweep.send_signal(signal.SIGINT)

    _, errors = sweep.communicate(timeout=120)
    assert sweep.returncode == 130, errors
    assert "stopped by SIGINT; every worker has saved its trial" in errors
    assert [record.status for record in records_of(url, name) if record.status == "running"] == []

    finish(start(*words, environment=cluster.environment))
    assert_every_job_was_done_once(url, name)
    assert any(record.started_from_step > 0 for record in records_of(url, name))


@pytest.mark.parametrize("kind", ["address", "client_address"])
def test_both_kinds_of_address_connect_without_a_word_on_the_terminal(cluster: RayNodes, kind: str) -> None:
    done = connect(getattr(cluster, kind), cluster)

    assert float(done.stdout) >= 1
    assert done.stderr == ""


def test_a_cluster_of_another_version_is_named(cluster: RayNodes) -> None:
    done = connect(cluster.address, cluster, before="import ray; ray.__version__ = '1.0.0'")

    assert "another version of Ray or Python runs there" in done.stdout
    assert "Ray: 1.0.0" in done.stdout


def test_a_cluster_that_wants_another_token_is_given_up_in_time(cluster: RayNodes) -> None:
    done = connect(cluster.address, cluster, before="import os; os.environ['RAY_AUTH_TOKEN'] = 64 * 'a'")

    assert "something listens there, but no connection was made" in done.stdout
    assert done.stderr == ""


def connect(address: str, cluster: RayNodes, *, before: str = "") -> subprocess.CompletedProcess[str]:
    """Connect in a process of its own, since Ray is for one cluster per process; prints the CPUs or the error."""
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{CONNECT}", address],
        env=cluster.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
