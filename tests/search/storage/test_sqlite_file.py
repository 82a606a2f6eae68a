"""Where an SQLite study may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtune.errors import EnvironmentFault
from regtune.search.storage import sqlite_file
from regtune.search.storage.sqlite_file import check_sqlite_file, network_file_system

MOUNTS = r"""proc /proc proc rw 0 0
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/ann/local xfs rw 0 0
//nas/share /mnt/two\040words cifs rw 0 0
ann@host:/ /mnt/ssh fuse.sshfs rw 0 0
/dev/sdc1 /mnt/covered ext4 rw 0 0
cluster@tcp:/fs /mnt/covered lustre rw 0 0
none /sandbox 9p rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/sweep.db", None),
        ("/home/ann/sweep.db", "nfs4"),
        ("/home/ann/local/sweep.db", None),  # a local disk mounted inside a network folder
        ("/homework/sweep.db", None),  # only begins like /home
        ("/mnt/two words/sweep.db", "cifs"),
        ("/mnt/ssh/a/b/c/sweep.db", "fuse.sshfs"),
        ("/mnt/covered/sweep.db", "lustre"),  # the later mount hides the earlier
        ("/sandbox/sweep.db", None),
    ],
)
def test_the_innermost_mount_decides(path: str, kind: str | None) -> None:
    assert network_file_system(Path(path), mounts=MOUNTS) == kind


@pytest.mark.parametrize("kind", ["nfs", "smb3", "smbfs", "ceph", "fuse.ceph", "glusterfs", "fuse.gcsfuse", "beegfs"])
def test_network_kinds(kind: str) -> None:
    assert network_file_system(Path("/x/sweep.db"), mounts=f"server /x {kind} rw 0 0") == kind


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "fuse", "fuseblk", "virtiofs", "zfs"])
def test_local_kinds(kind: str) -> None:
    assert network_file_system(Path("/x/sweep.db"), mounts=f"disk /x {kind} rw 0 0") is None


def test_a_network_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/export / nfs4 rw 0 0\n", "utf-8")
    monkeypatch.setattr(sqlite_file, "MOUNTS", mounts)

    with pytest.raises(
        EnvironmentFault, match=r"x.db: on a network file system \(nfs4\), unsafe for SQLite$"
    ) as caught:
        check_sqlite_file(tmp_path / "x.db", must_exist=False)

    assert "--storage postgresql://" in str(caught.value.hint)


def test_a_system_without_a_list_of_mounts_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "MOUNTS", tmp_path / "none")

    check_sqlite_file(tmp_path / "x.db", must_exist=False)
