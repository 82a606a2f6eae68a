"""The several ways torch says "no memory", as one error that names the way out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from regtune.errors import OutOfMemory


@contextlib.contextmanager
def out_of_memory_named(message: str, *, hint: str) -> Iterator[None]:
    """Raise OutOfMemory with this message instead of torch's or Python's own error; other errors pass."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        named = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not named and "can't allocate memory" not in str(error):  # the CPU allocator's bare RuntimeError
            raise
        raise OutOfMemory(message, hint=hint) from None
