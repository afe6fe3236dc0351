"""How a file is opened as a bank: refused plainly where it is damaged, safely on disks that machines share."""

import os
import re
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from ahc.bank.errors import BankError, damaged, in_sentences, way_out
from ahc.bank.packed import is_packed, unpacked
from ahc.bank.schema import create_tables, migrate, read_schema

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
        path: The file; a packed one is unpacked into a file that has no name any more when it is open.
        read_only: Write nothing, not even beside it.
        lasting: What is stored has to outlast a stop of the machine.

    Raises:
        BankError: If the file is missing (read only), is no bank, is damaged, or has a newer schema; or if it is
            packed and not meant to be read only.
    """
    if read_only and not path.is_file():
        raise BankError(f"{path}: there is no such bank")
    if is_packed(path):
        return _open_packed(path, read_only=read_only)
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        check_length(path)
    with in_sentences(path):
        if read_only and left_beside(path, ROLLBACK_JOURNAL):
            # SQLite undoes what a killed writer had begun: that is a write, which a reader may not do
            with closing(_connect(path, mode="mode=rw")) as writer:
                writer.execute("SELECT count(*) FROM sqlite_master").fetchone()
        # An installed bank may lie in a folder that nobody can write to: without a log or a
        # journal the file is complete, and `immutable` spares SQLite its lock files.
        complete = not left_beside(path, WRITE_AHEAD_LOG, ROLLBACK_JOURNAL)
        mode = "mode=rwc" if not read_only else "mode=ro&immutable=1" if complete else "mode=ro"
        with ExitStack() as opened:
            connection = opened.enter_context(closing(_connect(path, mode=mode)))
            if read_only:
                read_schema(connection, path=path)
            else:
                _prepare(connection, path=path, lasting=lasting)
            opened.pop_all()
            return connection


def _open_packed(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if not read_only:
        merge = f"`tscnas bank merge {path} --output {path.with_suffix('')}` makes one that can be written to"
        way = merge if path.exists() else "choose a name without .xz, and `tscnas bank merge` packs it in the end"
        raise BankError(f"{path}: a packed bank is only read; {way}")
    with unpacked(path) as file:
        try:
            return open_connection(file, read_only=True)
        except BankError as error:
            raise BankError(str(error).replace(str(file), str(path))) from error


def beside(path: Path, ending: str) -> Path:
    """Return the file that SQLite keeps beside a bank."""
    return path.with_name(path.name + ending)


def left_beside(path: Path, *endings: str) -> bool:
    """Whether one of the files that SQLite keeps beside a bank holds something."""
    return any(kept.exists() and kept.stat().st_size > 0 for kept in (beside(path, ending) for ending in endings))


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a name to write to; the file takes its own when the block ends without an error, and is gone otherwise."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        yield partial
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def check_length(path: Path) -> None:
    """Check that a file begins like a bank and is as long as it says.

    Raises:
        BankError: If it does not, or is not.
    """
    if not path.is_file():
        raise BankError(f"{path}: not a trial bank (it is no file)")
    size = path.stat().st_size
    if size == 0:
        if left_beside(path, WRITE_AHEAD_LOG):
            # SQLite would take it for a new file and throw the log away
            raise damaged(path, "the file is empty, and its log is not")
        return
    with path.open("rb") as stream:
        head = stream.read(100)
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise BankError(f"{path}: not a trial bank (it does not begin like one); if it was one, {way_out(path)}")
    if left_beside(path, WRITE_AHEAD_LOG, ROLLBACK_JOURNAL):
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
    kinds: dict[Path, str] = {}
    for words in (line.split(" ") for line in mounts.splitlines()):
        if len(words) > 2:  # of two on one place, the later one hides the earlier
            kinds[Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), words[1]))] = words[2]
    resolved = path.resolve()
    return next((kinds[place] for place in (resolved, *resolved.parents) if place in kinds), "")


def _connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Connect so that nothing in the file runs, and nothing in it is larger than a record can be."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=_PATIENCE)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
    return connection


def _prepare(connection: sqlite3.Connection, *, path: Path, lasting: bool) -> None:
    if not lasting:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
    network = file_system(path) in _NETWORK_DISKS
    if network:
        # alone, a log that came from another disk can be opened without shared memory
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    if _is_new(connection):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if _is_new(connection):  # another process may have created the tables while we waited for the lock
                create_tables(connection)
    migrate(connection, path=path)
    if lasting:
        choose_journal(connection, network=network)


def _is_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None


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
