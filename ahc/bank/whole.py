"""A new bank that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ahc.bank.errors import BankError
from ahc.bank.file import ROLLBACK_JOURNAL, WRITE_AHEAD_LOG, beside
from ahc.bank.store import Bank

_BESIDE = (WRITE_AHEAD_LOG, ROLLBACK_JOURNAL, "-shm")


@contextlib.contextmanager
def new_bank(path: Path, *, overwrite: bool = False) -> Iterator[Bank]:
    """Give a bank to fill, which takes its name when the block ends without an error.

    Args:
        path: What the bank will be called.
        overwrite: Replace a bank of that name.

    Raises:
        BankError: If the name is taken, or a log of another bank lies beside it.
    """
    check_free(path, overwrite=overwrite)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with Bank(partial, lasting=False) as bank:
            yield bank
            bank.save_copy(path)
    finally:
        for name in (partial, *(beside(partial, ending) for ending in _BESIDE)):
            name.unlink(missing_ok=True)


def check_free(path: Path, *, overwrite: bool = False) -> None:
    """Check that a new bank may take a name.

    Raises:
        BankError: If it may not.
    """
    if path.exists() and not overwrite:
        raise BankError(f"{path} exists and is left alone; choose another --output")
    log = next((name for ending in _BESIDE[:2] if (name := beside(path, ending)).exists()), None)
    if log is not None:
        # SQLite would play it into the new bank
        raise BankError(f"{path}: {log.name} lies there, the log of a bank in use; choose another --output")
