"""Errors between the processes of a run: one that is gone, and how an error travels from one to the others."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from regtune.errors import EnvironmentFault, RegtuneError
from regtune.training.launch import Place

PortableError = tuple[type[RegtuneError], tuple[Any, ...], dict[str, Any]]


class ContactLost(EnvironmentFault):
    """Another process ended without a word to this one; it, or what launched it, says why."""


@contextlib.contextmanager
def contact() -> Iterator[None]:
    """Around collectives: torch has a bare RuntimeError for a process that is gone."""
    try:
        yield
    except RuntimeError as error:
        without_source_line = re.sub(r"\[[^\]]*/[^\]]*\] *", "", str(error))
        reason = re.split(r"\n|\. ", without_source_line)[0]
        raise ContactLost(
            f"contact with the other processes of this run was lost ({reason[:100]})",
            hint="what the process that ended first says is the cause; `regtune train --resume RUN` goes on from there",
        ) from None


def portable(error: Exception, place: Place) -> PortableError:
    """An error as plain values. One that is a bug becomes its description: it may not travel, nor exist elsewhere."""
    if isinstance(error, RegtuneError):
        return type(error), error.args, vars(error)
    return RegtuneError, (f"{place} failed: {type(error).__name__}: {error}",), {"hint": None}


def restored(kind: type[RegtuneError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> RegtuneError:
    """The inverse of `portable`."""
    error = kind.__new__(kind, *arguments)  # BaseException keeps them; __init__ may want other ones
    vars(error).update(attributes)
    return error
