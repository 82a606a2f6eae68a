"""Text lines of a file, one at a time: decompressed, decoded, and checked before anything parses them."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from regtune.data.disguise import refuse_disguise, refuse_other_encoding
from regtune.errors import ConfigError, DataError, EnvironmentFault

GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 4096
# A few hundred kilobytes of gzip can hold gigabytes. Text packs 3 to 20 times; what packs better is let through up to
# the first number, and beyond it only at the second.
MAX_UNPACKED_BYTES = 64 * 1024**2
MAX_UNPACKED_RATIO = 100
MAX_LINE_CHARACTERS = 16_000_000  # a file without line ends must not be read into memory whole
MAX_FIELD_CHARACTERS = 1_000_000


@contextmanager
def open_lines(path: Path, *, name: str, encoding: str) -> Iterator[Iterator[str]]:
    r"""Lines of the file, each with its own end (\n, \r\n or \r); a byte order mark is removed.

    name: the file as the user wrote it. Raises DataError for a file that is no text table, for bytes that do not
    decode (with line and offset), for NUL characters, and for gzip data that unpacks to more than 64 MiB and more than
    100 times its size; ConfigError for an unknown encoding; EnvironmentFault for a file that may not be read.
    """
    check_encoding(encoding)
    with _open_bytes(path, name=name) as raw:
        packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
        with _gzip_errors(name):
            head = stream.read(HEAD_BYTES)
            stream.seek(0)
        refuse_disguise(head, name=name)
        refuse_other_encoding(head, name=name, encoding=encoding)
        with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            yield _checked_lines(text, stream, name=name, max_bytes=_most_bytes(raw) if packed else None)


def read_head(path: Path, *, name: str) -> bytes:
    """The first 4,096 bytes of a file, or all of a shorter one. Raises EnvironmentFault if it may not be read."""
    with _open_bytes(path, name=name) as raw:
        return raw.read(HEAD_BYTES)


def check_encoding(encoding: str) -> None:
    """Raise ConfigError unless Python can decode text with `encoding`."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    except (LookupError, ValueError) as error:  # ValueError: a NUL in the name
        raise ConfigError(
            f"data.encoding: {encoding!r} is not a text encoding", hint="for example utf-8, cp1252, latin-1, utf-16"
        ) from error


def _open_bytes(path: Path, *, name: str) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise EnvironmentFault(f"{name}: cannot be read: {error.strerror}") from error


def _most_bytes(packed: IO[bytes]) -> int:
    return max(MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO * os.stat(packed.fileno()).st_size)


@contextmanager
def _gzip_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name}: the gzip data is damaged or cut off ({error})", hint="copy the file again") from error


def _checked_lines(text: io.TextIOWrapper, stream: IO[bytes], *, name: str, max_bytes: int | None) -> Iterator[str]:
    number = 0
    while line := _next_line(text, stream, name=name):
        number += 1
        if number == 1:
            line = line.removeprefix("\ufeff")
        if "\0" in line:
            raise DataError(f"{name}:{number}: the line holds a NUL character", hint="remove it, or fix the encoding")
        if len(line) > MAX_LINE_CHARACTERS:
            raise DataError(f"{name}:{number}: the line is longer than {MAX_LINE_CHARACTERS:,} characters")
        if max_bytes is not None and stream.tell() > max_bytes:
            raise DataError(
                f"{name}:{number}: the gzip data unpacks to more than {max_bytes:,} bytes, too much for its size",
                hint="if that is right, unpack it first",
            )
        yield line


def _next_line(text: io.TextIOWrapper, stream: IO[bytes], *, name: str) -> str:
    try:
        with _gzip_errors(name):
            return text.readline(MAX_LINE_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        stream.seek(0)
        line, offset, value = locate_undecodable(stream, encoding=text.encoding)
        raise DataError(
            f"{name}:{line}: byte 0x{value:02x} at offset {offset} is not {text.encoding}",
            hint="set data.encoding, often cp1252 (Windows, Excel) or latin-1, or save the file as UTF-8",
        ) from error


def locate_undecodable(stream: IO[bytes], *, encoding: str) -> tuple[int, int, int]:
    """Line (from 1), byte offset (from 0) and value of the first byte that does not decode.

    Read a second time from the start: the decoder's own error counts from the start of its current chunk.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, line_feeds, returns = 0, 0, 0
    while True:
        chunk = stream.read(HEAD_BYTES)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            held_back = len(error.object) - len(chunk)  # bytes of a character begun in the chunk before
            before = chunk[: max(0, error.start - held_back)]
            line = 1 + max(line_feeds + before.count(b"\n"), returns + before.count(b"\r"))
            return line, offset + error.start - held_back, error.object[error.start]
        offset += len(chunk)
        line_feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
