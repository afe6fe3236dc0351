"""How a file is opened as a bank: refused plainly where it is damaged, safely on disks that machines share."""

from __future__ import annotations

import re
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from ahc.bank.errors import SQLITE_ERRORS, BankError, damaged, error_of, in_sentences
from ahc.bank.migrations import migrate
from ahc.bank.schema import create_tables, read_schema

WRITE_AHEAD_LOG, ROLLBACK_JOURNAL = "-wal", "-journal"
_MAGIC = b"SQLite format 3\0"
_LONGEST_CELL = 64 * 2**20
_PATIENCE = 60.0  # seconds that one process waits for another one's transaction

# The write-ahead log needs memory that all its processes share, so it breaks where they run on several machines.
_NETWORK_DISKS = frozenset(
    ("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs", "lustre",
     "beegfs", "gpfs", "orangefs", "pvfs2", "ocfs2", "gfs2", "vboxsf", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph",
     "fuse.cephfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.juicefs")
)  # fmt: skip


def open_connection(path: Path, *, read_only: bool, lasting: bool = True) -> sqlite3.Connection:
    """Open a bank file, creating its tables where the file is new and renewing them where they are old.

    Args:
        path: The file.
        read_only: Write nothing, not even beside it.
        lasting: What is stored has to outlast a stop of the machine.

    Raises:
        BankError: If the file is missing (read only), is no bank, is damaged, or has a newer schema.
    """
    if read_only and not path.is_file():
        raise BankError(f"{path}: there is no such bank")
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        check_length(path)
    if read_only and holds_something(beside(path, ROLLBACK_JOURNAL)):
        _undo_what_was_begun(path)
    connection = None
    try:
        connection = _connect(path, mode=_mode(path, read_only=read_only))
        if not lasting:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY")
        _prepare(connection, path=path, read_only=read_only, lasting=lasting)
    except SQLITE_ERRORS as error:
        if connection is not None:
            connection.close()
        raise error_of(path, error) from error
    except BankError:
        if connection is not None:
            connection.close()
        raise
    return connection


def beside(path: Path, ending: str) -> Path:
    """Return the file that SQLite keeps beside a bank."""
    return path.with_name(path.name + ending)


def holds_something(path: Path) -> bool:
    """Whether a file exists and is not empty."""
    return path.exists() and path.stat().st_size > 0


def check_length(path: Path) -> None:
    """Check that a file begins like a bank and is as long as it says.

    Raises:
        BankError: If it does not, or is not.
    """
    if not path.is_file():
        raise BankError(f"{path}: not a trial bank (it is no file)")
    size = path.stat().st_size
    if size == 0:
        if holds_something(beside(path, WRITE_AHEAD_LOG)):
            # SQLite would take it for a new file and throw the log away
            raise damaged(path, "the file is empty, and its log is not")
        return
    with path.open("rb") as stream:
        head = stream.read(100)
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise BankError(
            f"{path}: not a trial bank (it does not begin like one); if it was one, "
            f"`tscnas bank recover {path} --output NEW` saves what can still be read"
        )
    if any(holds_something(beside(path, ending)) for ending in (WRITE_AHEAD_LOG, ROLLBACK_JOURNAL)):
        return  # SQLite completes the file from it
    page_size = page_size_of(head)
    changed, pages, valid_for = struct.unpack(">4x20xII60xI4x", head)
    if page_size and changed == valid_for and size < page_size * pages:
        raise damaged(path, f"it is cut off: {size:,} of {page_size * pages:,} bytes are there")


def page_size_of(head: bytes) -> int:
    """Return the page size that a file's first 100 bytes tell; 0 if they tell none."""
    size = int.from_bytes(head[16:18], "big")
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else 0


def file_system(path: Path, *, mounts: str | None = None) -> str:
    """Return the kind of the file system that a path lies on, such as `ext4` or `nfs4`; empty where it is unknown.

    Args:
        path: A file or folder, existing or not.
        mounts: The mount table; by default that of this machine, where it has one.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return ""
    resolved = path.resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        place = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), words[1]))
        # of two on one place, the later one hides the earlier
        if resolved.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), words[2]
    return kind


def _mode(path: Path, *, read_only: bool) -> str:
    if not read_only:
        return "mode=rwc"
    # An installed bank may lie in a folder that nobody can write to: without a log or a
    # journal the file is complete, and `immutable` spares SQLite its lock files.
    pending = any(holds_something(beside(path, ending)) for ending in (WRITE_AHEAD_LOG, ROLLBACK_JOURNAL))
    return "mode=ro" if pending else "mode=ro&immutable=1"


def _connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Connect so that nothing in the file runs, and nothing in it is larger than a record can be."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=_PATIENCE)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
    return connection


def _undo_what_was_begun(path: Path) -> None:
    """Let SQLite undo what a killed writer had begun: that is a write, which a reader may not do."""
    with in_sentences(path), closing(_connect(path, mode="mode=rw")) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _prepare(connection: sqlite3.Connection, *, path: Path, read_only: bool, lasting: bool) -> None:
    if read_only:
        read_schema(connection, path=path)
        return
    network = file_system(path) in _NETWORK_DISKS
    if network:
        # alone, a log that came from another disk can be opened without shared memory
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    if connection.execute("SELECT count(*) AS n FROM sqlite_master").fetchone()["n"] == 0:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have created the tables while we waited for the lock.
            if connection.execute("SELECT count(*) AS n FROM sqlite_master").fetchone()["n"] == 0:
                create_tables(connection)
    migrate(connection, path=path)
    if lasting:
        choose_journal(connection, network=network)


def choose_journal(connection: sqlite3.Connection, *, network: bool) -> str:
    """Use the write-ahead log where the disk can, else the old journal; return which."""
    if not network:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError:  # no shared memory on this disk
            mode = ""
        if mode == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")
            return "wal"
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA locking_mode = NORMAL")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the first read after it lets others in
    return "delete"
