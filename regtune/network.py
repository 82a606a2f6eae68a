"""Questions to a server that end in time, whatever the server, the name service or a proxy does."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

# Both together stay below the 10 s in which an unreachable hub must be reported.
CONNECT_SECONDS = 3.0  # DNS included
METADATA_SECONDS = 5.0  # the newest revision of a model or data set
DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

Answer = TypeVar("Answer")


def is_reachable(endpoint: str, *, seconds: float) -> bool:
    """Whether a TCP connection to the endpoint, or to the proxy that stands before it, opens in time."""
    try:
        address = _host_and_port(_proxy(endpoint) or endpoint)
        within(seconds, lambda: socket.create_connection(address, timeout=seconds).close())
    except (OSError, ValueError):  # ValueError: the URL has no valid host or port
        return False
    return True


def within(seconds: float, question: Callable[[], Answer]) -> Answer:
    """The answer to a blocking question, its exception, or TimeoutError.

    A thread, because no time-out of the socket module covers DNS, and none of an HTTP client covers a server that
    sends one byte a second. The thread of an unanswered question is left behind; it cannot keep the process alive.
    """
    answers: list[Answer] = []
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(question())
        except BaseException as failure:  # all of them: it is raised again in the thread that asked
            failures.append(failure)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return answers[0]


def first_line(error: Exception) -> str:
    """What a library's error says, as part of a one-line message of ours."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def _proxy(endpoint: str) -> str | None:
    """The proxy that the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY, …) puts before the endpoint."""
    parts = urlsplit(endpoint)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 443)
