"""Packed banks, `NAME.sqlite.xz`: compact copies in few bytes, read like any other bank and never written to."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ahc.bank.errors import BankError

MOST_UNPACKED = 512 * 2**20
"""Bytes that a packed bank may unpack to, some 350,000 trials: a small file must not fill the disk."""
_MOST_MEMORY = 128 * 2**20  # xz's strongest preset asks for 65 MiB
_PRESET = 9
_PART = 2**20


def is_packed(path: Path) -> bool:
    """Whether a file is, or would be, a packed bank: its name says so."""
    return path.suffix.lower() == ".xz"


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give what a packed bank unpacks to, in a private folder that is gone with the block; other banks as they are.

    Raises:
        BankError: If the file is damaged, or unpacks to more than `MOST_UNPACKED`.
    """
    if not is_packed(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="tscnas-bank-") as folder:
        file = Path(folder) / "bank.sqlite"
        try:
            _unpack(path, file)
        except OSError as error:
            raise BankError(f"{path}: cannot be unpacked into {folder} ({error.strerror})") from error
        yield file


def pack(source: Path, target: Path) -> None:
    """Write a bank that is complete in one file as a packed one; the same bytes for the same bytes."""
    import lzma

    with source.open("rb") as bank, lzma.open(target, "wb", preset=_PRESET) as packed:
        while part := bank.read(_PART):
            packed.write(part)


def _unpack(path: Path, target: Path) -> None:
    import lzma  # some builds of Python lack it: whoever meets no packed bank need not know

    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
    n_bytes = 0
    with path.open("rb") as packed, target.open("wb") as file:
        while not decoder.eof:
            asked = decoder.needs_input
            read = packed.read(_PART) if asked else b""
            if asked and not read:
                raise _damaged(path, "it is cut off")
            try:
                part = decoder.decompress(read, max_length=_PART)
            except lzma.LZMAError as error:
                raise _damaged(path, str(error)) from error
            n_bytes += len(part)
            if n_bytes > MOST_UNPACKED:
                raise BankError(f"{path}: unpacks to more than {MOST_UNPACKED:,} bytes, which no packed bank does")
            file.write(part)
        if decoder.unused_data or packed.read(1):
            raise _damaged(path, "something stands behind its end")


def _damaged(path: Path, what: str) -> BankError:
    return BankError(f"{path}: the packed bank is damaged ({what}); get the file anew from where it came from")
