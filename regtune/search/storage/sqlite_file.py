"""Whether a path can hold an SQLite study: asked before SQLite sees it, which creates what is missing."""

from __future__ import annotations

import os
import re
from pathlib import Path

from regtune.errors import ConfigError, EnvironmentFault
from regtune.search.storage.url import POSTGRES_HINT
from regtune.wording import printable

SQLITE_HEAD = b"SQLite format 3\0"
MOUNTS = Path("/proc/mounts")

# SQLite's locks are missing, optional or seen late there (sqlite.org/faq.html#q5). 9p is not among them: it is the
# ordinary root of sandboxed containers.
NETWORK_FILE_SYSTEM = re.compile(
    r"(nfs|smb)\d?|cifs|smbfs|afs|lustre|gpfs|beegfs|orangefs|pvfs2|(fuse\.)?(ceph|glusterfs|davfs2?)"
    r"|fuse\.(sshfs|s3fs|gcsfuse|rclone|juicefs|blobfuse2?)"
)


def check_sqlite_file(path: Path, *, must_exist: bool) -> None:
    """Raise ConfigError or EnvironmentFault when no study can be there, or with must_exist, is there."""
    shown = printable(str(path))
    kind = network_file_system(path, mounts=_mounts())
    if kind is not None:
        raise EnvironmentFault(f"{shown}: on a network file system ({kind}), unsafe for SQLite", hint=POSTGRES_HINT)
    if path.exists() and not path.is_file():
        raise ConfigError(f"storage: {shown} is no file; expected the path of an SQLite file")
    if not path.parent.is_dir():
        raise EnvironmentFault(f"{shown}: there is no folder {printable(str(path.parent))}")
    if not path.exists():
        if must_exist:
            raise EnvironmentFault(f"{shown}: no such study database", hint="check the path; `regtune sweep` makes one")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise EnvironmentFault(f"{shown}: no permission to write into its folder")
        return
    if not os.access(path, os.R_OK | os.W_OK):
        raise EnvironmentFault(f"{shown}: no permission to read and write it")
    with path.open("rb") as file:
        head = file.read(len(SQLITE_HEAD))
    if head not in (SQLITE_HEAD, b""):  # empty: a database that another process is about to write
        raise ConfigError(f"storage: {shown} is not an SQLite database; it is left as it is")


def _mounts() -> str:
    """The mounted file systems. Other systems than Linux have no such file; network folders are not noticed there."""
    try:
        return MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def network_file_system(path: Path, *, mounts: str) -> str | None:
    """The kind of the network file system that holds an absolute path, None for a local one.

    mounts: the text of /proc/mounts; of two mounts on one folder the later one is seen.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        folder = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[1]))  # "\040" is a space
        if (path == folder or folder in path.parents) and len(folder.parts) >= best:
            best, kind = len(folder.parts), fields[2]
    return kind if NETWORK_FILE_SYSTEM.fullmatch(kind) else None
