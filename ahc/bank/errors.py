"""What can be wrong with a bank's file, in one sentence each."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compute.user_error import DATA, UserError

# the lowest byte of SQLite's error code is the kind of the error
_SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk is full; what was stored before is kept",
    sqlite3.SQLITE_BUSY: "another process is writing to the bank and does not let go",
    sqlite3.SQLITE_LOCKED: "another process is writing to the bank and does not let go",
    sqlite3.SQLITE_PROTOCOL: "the disk does not let several processes share the bank",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CANTOPEN: "the bank, or its log beside it, cannot be opened here",
    sqlite3.SQLITE_PERM: "the bank cannot be opened here",
    sqlite3.SQLITE_READONLY: "the bank cannot be written",
}

# a name or a message in a damaged file may be no text at all
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)


class BankError(UserError, ValueError):
    """A file that cannot be used as a bank."""

    exit_status = DATA


def way_out(path: Path) -> str:
    """Return what to do about a damaged bank."""
    return f"`tscnas bank recover {path} --output NEW` saves what can still be read"


def damaged(path: Path, what: str) -> BankError:
    """Return the error for a damaged bank; it names the way out."""
    return BankError(f"{path}: the bank is damaged ({what}); {way_out(path)}")


@contextmanager
def in_sentences(path: Path) -> Iterator[None]:
    """Turn errors of SQLite within the block into `BankError`."""
    try:
        yield
    except SQLITE_ERRORS as error:
        text = printable(" ".join(str(error).split()))
        sentence = _SENTENCES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        raise (BankError(f"{path}: {sentence} ({text})") if sentence else damaged(path, text)) from error


def printable(text: object, *, longest: int = 200) -> str:
    """Return text from a file as one line that a terminal takes for text: no control characters, not endless."""
    shown = str(text)[: longest + 1]
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in shown)
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
