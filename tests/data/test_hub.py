"""Data sets of the hub. The hub is played by a server on the loopback interface and asked in fresh processes, because
the libraries read their environment when they are imported. No test leaves the machine."""

import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from regtune.data import hub
from regtune.data.sources import check_source, is_delimited
from regtune.errors import ConfigError, EnvironmentFault

COMMIT = "b" * 40
CARD = b"""---
configs:
- config_name: easy
  data_files:
  - {split: train, path: easy/train.csv}
  - {split: test, path: easy/test.csv}
- config_name: hard
  data_files:
  - {split: train, path: hard/train.csv}
- config_name: torn
  data_files:
  - {split: train, path: torn/train.csv}
---
"""
SOME_SET = {
    "README.md": CARD,
    "easy/train.csv": b"text,label\nhello,1\nbye,2\n",
    "easy/test.csv": b"text,label\nhi,1\n",
    "hard/train.csv": b"text,label\nx,y\n",
    "torn/train.csv": b'text,label\n"a,b\n',
}
SCRIPTED = {"README.md": b"", "scripted.py": b"print('remote code')", "train.csv": b"text,label\na,b\n"}
REPOSITORIES: dict[str, dict[str, bytes]] = {"someone/some-set": SOME_SET, "someone/scripted": SCRIPTED}
PATH = re.compile(r"(?:/api)?/datasets/(?P<name>[^/]+/[^/]+)(?:/(?P<verb>[^/]+)/[^/]+/?(?P<file>.*))?")

# Asks for each source and prints, as one JSON line, its rows and fingerprint or what was raised.
ASK = """
import json, sys, time
import datasets  # the time to import it is no waiting for the hub
from regtune.data.sources import fingerprint, open_table
from regtune.errors import RegtuneError
for source in sys.argv[1:]:
    began = time.monotonic()
    try:
        with open_table(source) as table:
            answer = {"rows": [row.values for row in table.rows], "fingerprint": fingerprint(source)}
    except RegtuneError as error:
        answer = {"error": f"{type(error).__name__} {error}", "hint": error.hint}
    assert time.monotonic() - began < 10
    print(json.dumps(answer))
assert "torch" not in sys.modules
"""


def ask(endpoint: str, home: Path) -> list[Any]:
    """What a fresh process, stdin closed, says about SOURCES: each within 10 s, and nothing else."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_") and "proxy" not in key.lower()}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK, *SOURCES],
        env={**kept, "HF_ENDPOINT": endpoint, "HF_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


class Hub(BaseHTTPRequestHandler):
    """Has the REPOSITORIES, and no other: enough of the hub's protocol to read them."""

    def do_GET(self) -> None:
        match = PATH.fullmatch(self.path.partition("?")[0])
        files = REPOSITORIES.get(match["name"], {}) if match else {}
        if match is None or not files:
            self.answer(b"{}", status=404, headers={"X-Error-Code": "RepoNotFound"})
        elif match["verb"] == "tree":
            self.answer_json(listing(files, [name for name in files if name.startswith(match["file"])]))
        elif match["verb"] != "resolve":
            self.answer_json({"id": match["name"], "sha": COMMIT, "siblings": []})
        elif match["file"] in files:
            self.answer(files[match["file"]])
        else:
            self.answer(b"{}", status=404, headers={"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET

    def answer_json(self, value: Any) -> None:
        self.answer(json.dumps(value).encode())

    def answer(self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        etag = hashlib.sha256(self.path.encode()).hexdigest()
        sent = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"', "Content-Length": str(len(body)), **(headers or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


def listing(files: dict[str, bytes], names: list[str]) -> list[dict[str, Any]]:
    return [{"type": "file", "path": name, "size": len(files[name]), "oid": name} for name in names]


class Unwell(Hub):
    """A hub in trouble."""

    def do_GET(self) -> None:
        self.answer(b"", status=503)

    do_HEAD = do_GET


class LoginPage(Hub):
    """What answers in a hotel."""

    def do_GET(self) -> None:
        self.answer(b"<html>Welcome to our hotel</html>")

    do_HEAD = do_GET


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


SOURCES = [
    "hf:someone/some-set:easy@train",
    "hf:someone/some-set:easy@test",
    "hf:someone/some-set:hard",
    "hf:someone/some-set",
    "hf:someone/some-set:soft",
    "hf:someone/some-set:easy",
    "hf:someone/some-set:easy@dev",
    "hf:someone/some-set:torn",
    "hf:someone/other",
    "hf:someone/scripted",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's folder on disk; a cache with the configs easy and hard after `online`."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def online(home: Path) -> dict[str, Any]:
    """By source, what is said while the hub answers."""
    with serving(Hub) as address:
        return dict(zip(SOURCES, ask(address, home), strict=True))


@pytest.fixture(scope="module")
def offline(home: Path, online: dict[str, Any]) -> dict[str, Any]:
    """By source, what is said after that, when nothing listens at the hub's address."""
    return dict(zip(SOURCES, ask(closed_endpoint(), home), strict=True))


def closed_endpoint() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_config_and_split_are_read_with_their_types(online: dict[str, Any]) -> None:
    assert online[SOURCES[0]]["rows"] == [{"text": "hello", "label": 1}, {"text": "bye", "label": 2}]
    assert online[SOURCES[1]]["rows"] == [{"text": "hi", "label": 1}]


def test_the_only_split_need_not_be_named(online: dict[str, Any]) -> None:
    assert online["hf:someone/some-set:hard"]["rows"] == [{"text": "x", "label": "y"}]


def test_the_fingerprint_is_id_config_split_and_revision(online: dict[str, Any]) -> None:
    facts = {"id": "someone/some-set", "config": "hard", "split": "train", "revision": COMMIT}
    sha256 = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    fingerprint = online["hf:someone/some-set:hard"]["fingerprint"]

    assert fingerprint == {"source": "hf:someone/some-set:hard", "sha256": sha256, **facts}


@pytest.mark.parametrize(
    ("source", "error", "hint"),
    [
        ("", "DataError {}: no config is named, there are `easy`, `hard`, `torn`", "add one, e.g. {}:easy"),
        (":soft", "DataError hf:someone/some-set: there is no config `soft`, there are `easy`, `hard`, `torn`", None),
        (":easy", "DataError {}: no split is named, there are `train`, `test`", "add one, e.g. {}@train"),
        (":easy@dev", "DataError {}: there is no split `dev`, there are `train`, `test`", None),
    ],
)
def test_what_does_not_exist_names_what_does(online: dict[str, Any], source: str, error: str, hint: str | None) -> None:
    name = f"hf:someone/some-set{source}"

    assert online[name]["error"] == error.format(name)
    assert hint is None or online[name]["hint"] == hint.format(name)


def test_data_that_cannot_be_read_say_why(online: dict[str, Any]) -> None:
    assert online["hf:someone/some-set:torn"]["error"].startswith(
        "DataError hf:someone/some-set: cannot be read as a table: Error tokenizing data"
    )


def test_a_data_set_that_is_not_there_is_one_line(online: dict[str, Any]) -> None:
    error = online["hf:someone/other"]["error"]

    assert error.startswith("EnvironmentFault hf:someone/other: http://127.0.0.1:")
    assert error.endswith("has no such data set, or it is private or gated")


@pytest.mark.parametrize("source", SOURCES[:3])
def test_a_cached_data_set_needs_no_hub(online: dict[str, Any], offline: dict[str, Any], source: str) -> None:
    assert offline[source] == online[source]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("hf:someone/some-set", "There are multiple 'someone/some-set' configurations in the cache: "),
        ("hf:someone/some-set:soft", "Available configs in the cache: ['easy', 'hard']"),
        ("hf:someone/other", "Couldn't find cache for someone/other"),
    ],
)
def test_without_hub_and_cache_the_cache_and_what_to_do_are_named(
    offline: dict[str, Any], home: Path, source: str, reason: str
) -> None:
    error, hint = offline[source]["error"], offline[source]["hint"]

    assert error.startswith(f"EnvironmentFault {source.rpartition(':soft')[0] or source}: not in the cache {home}")
    assert reason in error
    assert error.endswith(" cannot be reached")
    assert "hf download --repo-type dataset someone/" in hint


def test_a_script_in_the_repository_is_refused_and_not_run(online: dict[str, Any]) -> None:
    assert online["hf:someone/scripted"]["error"] == (
        "DataError hf:someone/scripted: cannot be read as a table: "
        "Dataset scripts are no longer supported, but found scripted.py"
    )


def open_at(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open a data set that is not in the cache in this process, as if the hub were at the endpoint."""
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for variable in [name for name in os.environ if "proxy" in name.lower()]:
        monkeypatch.delenv(variable)
    hub.open_hub_table("hf:someone/never-downloaded")


def test_a_hub_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "METADATA_SECONDS", 0.2)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(EnvironmentFault, match=rf"and {address} did not deliver it \(no answer within 0.2 s\)"):
            open_at(address, monkeypatch)


@pytest.mark.parametrize(("handler", "reason"), [(Unwell, "503"), (LoginPage, "what answers is not a hub")])
def test_a_hub_in_trouble_is_one_line(handler: type[Hub], reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(handler) as address, pytest.raises(EnvironmentFault, match=reason) as caught:
        open_at(address, monkeypatch)
    assert str(caught.value).startswith("hf:someone/never-downloaded: not in the cache")
    assert "\n" not in str(caught.value)


def test_offline_mode_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite itself runs in offline mode."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    with pytest.raises(EnvironmentFault, match="and HF_HUB_OFFLINE is set"):
        hub.open_hub_table("hf:someone/never-downloaded")


@pytest.mark.parametrize("source", ["hf:", "hf:a/b/c", "hf:a b", "hf:a@", "hf:a:", "hf:a@b:c"])
def test_a_name_without_the_form_is_a_config_error(source: str) -> None:
    with pytest.raises(ConfigError, match="not the name of a hub data set"):
        check_source(source)


def test_a_separator_has_no_meaning_for_the_hub() -> None:
    assert not is_delimited("hf:someone/rows.csv")
