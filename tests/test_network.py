"""Questions to servers on the loopback interface: closed, silent, or behind a proxy. No test leaves the machine."""

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from regtune.network import is_reachable, within


@pytest.fixture(autouse=True)
def no_proxy_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if "proxy" in name.lower()]:
        monkeypatch.delenv(variable)


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


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:x", "http://", "nonsense"])
def test_an_endpoint_that_is_no_address_is_unreachable(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _no_such_host)

    assert not is_reachable(endpoint, seconds=1)


def _no_such_host(*arguments: object, **options: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_name_server_that_hangs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: release.wait(30))
    began = time.monotonic()

    reachable = is_reachable("https://huggingface.co", seconds=0.1)

    release.set()
    assert not reachable
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
def test_behind_a_proxy_the_proxy_is_asked(
    variable: str, silent_endpoint: str, closed_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden_hub = closed_endpoint.replace("http:", "https:")
    monkeypatch.setenv(variable, silent_endpoint)

    assert is_reachable(hidden_hub, seconds=1)


def test_a_host_in_no_proxy_is_asked_directly(
    silent_endpoint: str, closed_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", silent_endpoint)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    assert not is_reachable(closed_endpoint, seconds=1)


def test_within_hands_the_answer_or_the_exception_back() -> None:
    assert within(1, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(1, lambda: 1 // 0)
