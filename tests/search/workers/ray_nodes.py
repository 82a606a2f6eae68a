"""A Ray cluster of a test's own: nodes on this machine, each a session that can be killed like a machine.

Ray binds to all interfaces whatever it is told, so the cluster demands a token. Never `ray stop`: it would stop every
cluster of this user.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FREE_PORTS = range(20_000, 32_000)  # Ray keeps 10002 to 19999 for its workers, the system those above 32768
SECONDS = 60  # for a node to start
MEMORY = 100_000_000  # bytes of a node's object store, which holds nothing here


@dataclass
class RayNodes:
    """Nodes by name; the first one is the head. folder: short, since Ray puts sockets below it (107 characters)."""

    folder: Path
    port: int
    client_port: int
    token: str = field(default_factory=lambda: secrets.token_hex(32))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def client_address(self) -> str:
        return f"ray://127.0.0.1:{self.client_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Of everything that joins or uses the cluster: this regtune, a home of its own, one thread, no network."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_DISABLE_IMPORT_WARNING": "1",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }

    def start(self, name: str, *, cpus: int, gpus: int = 0) -> None:
        """Returns when the node has joined."""
        program = str(Path(sys.executable).with_name("ray"))
        resources = [f"--num-cpus={cpus}", f"--num-gpus={gpus}", f"--object-store-memory={MEMORY}"]
        role = [f"--address={self.address}"]
        if not self.processes:
            role = ["--head", f"--port={self.port}", f"--ray-client-server-port={self.client_port}"]
            role += ["--include-dashboard=false", f"--temp-dir={self.folder / 'ray'}"]
        log = self.folder / f"{name}.log"
        with log.open("wb") as sink:
            self.processes[name] = subprocess.Popen(
                [program, "start", *role, f"--node-name={name}", *resources, "--disable-usage-stats", "--block"],
                stdout=sink,
                stderr=sink,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,  # the node's processes belong to it, and nothing else does
            )
        deadline = time.monotonic() + SECONDS
        while b"Ray runtime started" not in log.read_bytes():
            assert self.processes[name].poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        """As if the machine lost power: everything in the node's session, its workers too."""
        process = self.processes[name]
        for number in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()):
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(number) == process.pid:
                    os.kill(number, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def running_ray() -> Iterator[RayNodes]:
    """A cluster without nodes; those started in the block are killed when it ends. Skips the test without Ray."""
    if not Path(sys.executable).with_name("ray").exists():
        pytest.skip("Ray is not installed: pip install 'regtune[cluster]'")
    with tempfile.TemporaryDirectory(prefix="regtune-ray-", ignore_cleanup_errors=True) as name:
        ports = _free_ports()
        nodes = RayNodes(folder=Path(name), port=next(ports), client_port=next(ports))
        try:
            yield nodes
        finally:
            for node in reversed(nodes.processes):
                nodes.kill(node)


def _free_ports() -> Iterator[int]:
    start = FREE_PORTS.start + secrets.randbelow(len(FREE_PORTS) // 2)
    return (port for port in range(start, FREE_PORTS.stop) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("", port))
        except OSError:
            return False
        return True
