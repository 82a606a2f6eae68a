"""The text of a config file, or a ConfigError that says why there is none."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from regtune.config.reader import MAX_BYTES
from regtune.errors import ConfigError
from regtune.wording import printable

DATA_ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet", ".arrow", ".txt", ".xlsx")
OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}  # by the mark their files begin with


def read_text(path: Path) -> str:
    """The file's text, UTF-8 with or without a mark. Reads at most MAX_BYTES of it."""
    name = printable(str(path))
    if path.suffix.lower() in DATA_ENDINGS:
        raise ConfigError(
            f"{name}: is a data file by its name, not a config",
            hint=f"a config is a YAML file that names it: data: {{train: {name}}}",
        )
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _not_found(path, name) from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a folder, not a config file", hint=_hint_for_folder(path)) from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{name}: is larger than {MAX_BYTES:,} bytes, too large for a config")
    return _decode(content, name)


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        encoding = OTHER_ENCODINGS.get(content[:2])
        line = content.count(b"\n", 0, error.start) + 1
        found = f"is {encoding}" if encoding else f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise ConfigError(f"{name}:{line}: {found}", hint="save the file as UTF-8") from None


def _not_found(path: Path, name: str) -> ConfigError:
    if not path.parent.is_dir():
        return ConfigError(f"{name}: no such file, nor a folder {printable(str(path.parent))}")
    near = difflib.get_close_matches(path.name, _names_in(path.parent), n=1)
    if near:
        return ConfigError(f"{name}: no such file, did you mean {printable(str(path.parent / near[0]))}?")
    return ConfigError(f"{name}: no such file")


def _hint_for_folder(folder: Path) -> str | None:
    configs = [entry for entry in _names_in(folder) if entry.endswith((".yaml", ".yml"))]
    return f"did you mean {printable(str(folder / configs[0]))}?" if configs else None


def _names_in(folder: Path) -> list[str]:
    """Sorted; empty for a folder that may not be listed: the missing file is the error to report."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
