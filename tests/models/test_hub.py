"""The hub is played by servers on the loopback interface; each question is asked in a fresh process, because the hub
library reads its environment when it is imported. No test leaves the machine."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from regtune.errors import ConfigError
from regtune.models.hub import fetch_from_hub
from regtune.network import CONNECT_SECONDS, METADATA_SECONDS

ASK = """
import sys
from regtune.errors import RegtuneError
from regtune.models import hub
hub.METADATA_SECONDS = float(sys.argv[2])
try:
    print("found", hub.fetch_from_hub(sys.argv[1]))
except RegtuneError as error:
    print(type(error).__name__, error)
    print("hint:", error.hint)
"""
MODEL = "someone/some-model"
LONGEST_SECONDS = 10.0


def ask(endpoint: str, home: Path, *, metadata_seconds: float = METADATA_SECONDS, **environment: str) -> str:
    """What a fresh process, stdin closed, says about MODEL; it must say it in time and say nothing else."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", ASK, MODEL, str(metadata_seconds)],
        env={**kept, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert time.monotonic() - began < LONGEST_SECONDS
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(autouse=True)
def no_proxy_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if "proxy" in name.lower()]:
        monkeypatch.delenv(variable)


class Hub(BaseHTTPRequestHandler):
    """Answers every request with the status and the error code that the server was made with."""

    status, headers_sent, body = 404, {}, b'{"error": "Repository not found"}'

    def do_GET(self) -> None:
        self.send_response(self.status)
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


COMMIT = "a" * 40
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "onnx/model.onnx": b"other", "pickled.bin": b"code"}


class WorkingHub(BaseHTTPRequestHandler):
    """Has MODEL: enough of the hub's protocol to download it."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if "/resolve/" in path:
            self.answer(FILES[path.partition(f"/resolve/{COMMIT}/")[2]])
        elif "/tree/" in path:
            files = [{"type": "file", "path": name, "size": len(body), "oid": name} for name, body in FILES.items()]
            self.answer(json.dumps(files).encode())
        else:
            self.answer(json.dumps({"id": MODEL, "sha": COMMIT}).encode())

    do_HEAD = do_GET

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{self.path.rpartition("/")[2]}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


@pytest.fixture
def hub(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server with the attributes in the parameter."""
    with serving(type("Hub", (Hub,), request.param)) as address:
        yield address


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_endpoint() -> str:
    """An address at which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """An address that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """The snapshot folder of MODEL in the cache of the home folder tmp_path."""
    repository = tmp_path / "hub" / "models--someone--some-model"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").touch()
    return snapshot


def test_a_refused_connection_names_model_cache_and_what_to_do(closed_endpoint: str, tmp_path: Path) -> None:
    said = ask(closed_endpoint, tmp_path)

    cache = tmp_path / "hub"
    assert f"EnvironmentFault model: {MODEL} is not complete in the cache {cache}, and {closed_endpoint} cannot" in said
    assert f"`hf download {MODEL}`" in said
    assert "`model: minilm`" in said


def test_a_hub_that_never_answers_is_left(silent_endpoint: str, tmp_path: Path) -> None:
    said = ask(silent_endpoint, tmp_path, metadata_seconds=0.2)

    assert f"and {silent_endpoint} did not deliver it (no answer within 0.2 s)" in said


def test_all_waiting_together_is_below_ten_seconds() -> None:
    assert CONNECT_SECONDS + METADATA_SECONDS < LONGEST_SECONDS


def test_a_model_is_downloaded_without_what_is_not_loaded(tmp_path: Path) -> None:
    with serving(WorkingHub) as address:
        said = ask(address, tmp_path)

    snapshot = Path(said.removeprefix("found ").strip())
    assert sorted(path.name for path in snapshot.iterdir()) == ["config.json", "model.safetensors"]
    assert (snapshot / "model.safetensors").read_bytes() == b"weights"


def test_a_cached_model_needs_no_hub(closed_endpoint: str, tmp_path: Path, cached: Path) -> None:
    assert ask(closed_endpoint, tmp_path) == f"found {cached}\n"


def test_a_half_downloaded_model_is_not_used(closed_endpoint: str, tmp_path: Path, cached: Path) -> None:
    (cached / "model.safetensors").unlink()

    assert "is not complete in the cache" in ask(closed_endpoint, tmp_path)


def test_offline_mode_opens_no_connection(silent_endpoint: str, tmp_path: Path) -> None:
    assert "and HF_HUB_OFFLINE is set" in ask(silent_endpoint, tmp_path, HF_HUB_OFFLINE="1")


def test_a_closed_proxy_makes_the_hub_unreachable(silent_endpoint: str, closed_endpoint: str, tmp_path: Path) -> None:
    assert f"{silent_endpoint} cannot be reached" in ask(silent_endpoint, tmp_path, http_proxy=closed_endpoint)


NOT_FOUND = {"status": 404, "headers_sent": {"X-Error-Code": "RepoNotFound"}}
GATED = {"status": 403, "headers_sent": {"X-Error-Code": "GatedRepo"}}
LOGIN_PAGE = {"status": 200, "body": b"<html>Welcome to our hotel</html>"}


@pytest.mark.parametrize(
    ("hub", "expected"),
    [
        (NOT_FOUND, f"has no model {MODEL}, or it is private (status 404)"),
        ({"status": 404}, f"has no model {MODEL}, or it is private (status 404)"),
        ({"status": 401}, f"has no model {MODEL}, or it is private (status 401)"),
        (GATED, f"EnvironmentFault model: {MODEL} is gated"),
        ({"status": 403}, f"does not give {MODEL} to this account (status 403)"),
        ({"status": 503}, "answered with status 503"),
        (LOGIN_PAGE, "what answers is not a hub"),
    ],
    indirect=["hub"],
)
def test_an_answer_becomes_one_clear_line(hub: str, expected: str, tmp_path: Path) -> None:
    message, hint = ask(hub, tmp_path).splitlines()

    assert expected in message
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("hub", [{"status": 503}], indirect=True)
def test_a_hub_in_trouble_is_no_obstacle_for_a_cached_model(hub: str, tmp_path: Path, cached: Path) -> None:
    assert ask(hub, tmp_path) == f"found {cached}\n"


@pytest.mark.parametrize("name", ["", "two words", "a--b", "owner/-name"])
def test_what_cannot_be_a_hub_id_is_a_config_error(name: str) -> None:
    with pytest.raises(ConfigError, match="is neither a folder nor a hub id"):
        fetch_from_hub(name)
