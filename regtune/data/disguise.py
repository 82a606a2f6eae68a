"""Files that are not what their name says, known by their first bytes."""

from __future__ import annotations

import codecs

from regtune.errors import DataError

SAVE_AS_CSV = "open it and save it as CSV (UTF-8)"
UNPACK = "unpack it first; of compressed files, only gzip is read"

SIGNATURES: tuple[tuple[bytes, str, str], ...] = (  # (first bytes, what the file is, what to do)
    (b"PAR1", "a Parquet file", "name it .parquet"),
    (b"ARROW1", "an Arrow file", "name it .arrow"),
    (b"\xff\xff\xff\xff", "an Arrow stream", "name it .arrow"),
    (b"\x89PNG", "an image", "images are read from a folder with one folder per class, or by their paths in a table"),
    (
        b"\xff\xd8\xff",
        "an image",
        "images are read from a folder with one folder per class, or by their paths in a table",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", SAVE_AS_CSV),
    (b"%PDF", "a PDF document", SAVE_AS_CSV),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first; only text formats are read compressed, and once"),
    (b"\xfd7zXZ\x00", "compressed with xz", UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK),
    (b"version https://git-lfs.github.com/spec/", "a git-lfs pointer, not the data", "run `git lfs pull`"),
)
BYTE_ORDER_MARKS: tuple[tuple[bytes, str], ...] = (  # UTF-32 first: its mark starts with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def refuse_disguise(head: bytes, *, name: str) -> None:
    """Raise DataError if `head`, the first bytes of the file, are those of something other than its name says."""
    for signature, description, hint in SIGNATURES:
        if head.startswith(signature):
            raise DataError(f"{name}: this is {description}", hint=hint)
    if head.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in head or b"xl/" in head:
            raise DataError(f"{name}: this is an Excel file", hint=SAVE_AS_CSV)
        raise DataError(f"{name}: this is a zip archive", hint=UNPACK)
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        raise DataError(f"{name}: this is compressed with bzip2", hint=UNPACK)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:20].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        kind = "an XML document" if start.startswith(b"<?xml") else "an HTML page"
        raise DataError(f"{name}: this is {kind}, not a table", hint="check the link it was downloaded from")


def refuse_other_encoding(head: bytes, *, name: str, encoding: str) -> None:
    """Raise DataError if `head` shows another encoding than the one asked for (a byte order mark, or UTF-16's NULs)."""
    asked = codecs.lookup(encoding).name.replace("_", "-")
    for mark, actual in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            if asked.startswith(actual):
                return
            raise DataError(
                f"{name}:1: the byte order mark of {actual} at offset 0; the file is read as {encoding}",
                hint=f"set data.encoding: {actual}",
            )
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 4 and not asked.startswith(("utf-16", "utf-32")):
        actual = "utf-16-le" if odd > even else "utf-16-be"
        raise DataError(
            f"{name}:1: every second byte from offset {int(odd > even)} is NUL, as in {actual}; the file is read as"
            f" {encoding}",
            hint=f"set data.encoding: {actual}",
        )
