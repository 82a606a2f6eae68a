"""What identifies the data behind a source name, so that a resumed run can tell whether it changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from regtune.data import demo_sets, hub
from regtune.data.globs import files_of, is_glob
from regtune.data.location import locate
from regtune.digest import file_sha256

# Files that come and go in a folder of data: hidden ones, those of file managers, caches of the datasets library.
PASSING = re.compile(r"(^|/)(\.|Thumbs\.db$|desktop\.ini$|cache-)")


def fingerprint(source: str) -> dict[str, Any]:
    """`source`, `sha256`, and what else tells where the data come from; json-able.

    sha256 is that of the file; of several files or a folder, of their sorted names and hashes; of a hub data set, of
    its id, config, split and revision (a commit of its repository); of a made demo set, of its rows.
    """
    if demo_sets.is_made(source):
        return {"source": source, "sha256": _rows_sha256(source)}
    if hub.is_hub_source(source):
        facts = hub.identity(source)
        return {"source": source, "sha256": _text_sha256(json.dumps(facts, sort_keys=True)), **facts}
    if is_glob(source):
        paths = files_of(source)
        return {"source": source, **_several(paths, names=[path.name for path in paths])}
    with locate(source) as path:
        if path.is_file():
            return {"source": source, "sha256": file_sha256(path), "bytes": path.stat().st_size}
        names = sorted(inner.relative_to(path).as_posix() for inner in path.rglob("*") if inner.is_file())
        names = [name for name in names if not PASSING.search(name)]
        return {"source": source, **_several([path / name for name in names], names=names)}


def _several(paths: list[Path], *, names: Iterable[str]) -> dict[str, Any]:
    listing = "".join(f"{name}\n{file_sha256(path)}\n" for name, path in zip(names, paths, strict=True))
    return {
        "sha256": _text_sha256(listing),
        "bytes": sum(path.stat().st_size for path in paths),
        "files": len(paths),
    }


def _rows_sha256(source: str) -> str:
    digest = hashlib.sha256()
    for row in demo_sets.make_demo_set(source).rows:
        digest.update(json.dumps(row.values, sort_keys=True, default=bytes.hex).encode())
    return digest.hexdigest()


def _text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()  # file names may not decode
