"""The rows that lie in the pages of an SQLite file, read without SQLite: what a damaged file still holds.

SQLite's file format (https://www.sqlite.org/fileformat2.html, sections 1 and 4): a page of type 13 holds rows of a
table; pages of types 10 and 2 hold entries of an index, whose last value is the number of the row they point to. A
payload that does not fit into its page goes on in a chain of overflow pages. Every such page is read on its own, so
nothing depends on the pages that lead to it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

_ROWS, _INDEX_LEAF, _INDEX_INNER = 13, 10, 2
_LONGEST_PAYLOAD = 16 * 2**20
_WAL_HEAD, _FRAME_HEAD = 32, 24
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


@dataclass(frozen=True)
class Cell:
    """One row of a table, or one entry of an index (`number` 0), wherever it lay."""

    number: int
    values: tuple[Any, ...]
    of_table: bool


class Pages:
    """The pages of a file, those in its write-ahead log in place of the older ones.

    Args:
        path: The file; read only.
        page_size: Bytes per page.
        log: Its write-ahead log; may be missing.
    """

    def __init__(self, path: Path, *, page_size: int, log: Path) -> None:
        self.page_size = page_size
        self._stream = path.open("rb")
        size = path.stat().st_size
        self._n_in_file = -(-size // page_size)
        self._log = log.open("rb") if log.is_file() else None
        self._newer = {} if self._log is None else _newer_pages(self._log, page_size=page_size)
        # a sound file reads each overflow page once; a hostile one may point at the same ones again and again
        self._allowance = 4 * (self._n_in_file + len(self._newer) + 1)

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        if self._log is not None:
            self._log.close()

    def cells(self) -> Iterator[Cell]:
        """Yield all rows and index entries that can be decoded, page after page."""
        beyond = sorted(number for number in self._newer if number > self._n_in_file)
        for number in chain(range(1, self._n_in_file + 1), beyond):
            page = self._page(number)
            start = 100 if number == 1 else 0
            if len(page) <= start + 8 or page[start] not in (_ROWS, _INDEX_LEAF, _INDEX_INNER):
                continue
            first = start + (12 if page[start] == _INDEX_INNER else 8)
            n_cells = min(int.from_bytes(page[start + 3 : start + 5], "big"), (len(page) - first) // 2)
            for at in range(first, first + 2 * n_cells, 2):
                try:
                    yield self._cell(page, int.from_bytes(page[at : at + 2], "big"), kind=page[start])
                except (IndexError, ValueError, struct.error):
                    continue  # not one cell after all, or a part of it is gone

    def _cell(self, page: bytes, at: int, *, kind: int) -> Cell:
        if kind == _INDEX_INNER:
            at += 4
        length, at = _varint(page, at)
        number = 0
        if kind == _ROWS:
            number, at = _varint(page, at)
        payload = self._payload(page, at, length=length, of_table=kind == _ROWS)
        return Cell(number=number, values=_values(payload), of_table=kind == _ROWS)

    def _payload(self, page: bytes, at: int, *, length: int, of_table: bool) -> bytes:
        usable = self.page_size
        if not 0 < length <= _LONGEST_PAYLOAD:
            raise ValueError("no payload is that long")
        largest = usable - 35 if of_table else (usable - 12) * 64 // 255 - 23
        if length <= largest:
            return _exactly(page, at, length)
        smallest = (usable - 12) * 32 // 255 - 23
        here = smallest + (length - smallest) % (usable - 4)
        here = here if here <= largest else smallest
        parts = [_exactly(page, at, here)]
        following = int.from_bytes(_exactly(page, at + here, 4), "big")
        missing = length - here
        while missing > 0:
            self._allowance -= 1
            known = 0 < following <= self._n_in_file or following in self._newer
            if self._allowance < 0 or not known:
                raise ValueError("the overflow leads nowhere")
            overflow = self._page(following)
            parts.append(_exactly(overflow, 4, min(missing, usable - 4)))
            following = int.from_bytes(overflow[:4], "big")
            missing -= usable - 4
        return b"".join(parts)

    def _page(self, number: int) -> bytes:
        if self._log is not None and number in self._newer:
            self._log.seek(self._newer[number])
            return self._log.read(self.page_size)
        self._stream.seek((number - 1) * self.page_size)
        return self._stream.read(self.page_size)


def _newer_pages(log: BinaryIO, *, page_size: int) -> dict[int, int]:
    """Return where in a write-ahead log the latest committed form of each page begins."""
    committed: dict[int, int] = {}
    waiting: dict[int, int] = {}
    head = log.read(_WAL_HEAD)
    if len(head) < _WAL_HEAD or int.from_bytes(head[8:12], "big") != page_size:
        return {}
    at, end = _WAL_HEAD, log.seek(0, 2)
    while at + _FRAME_HEAD + page_size <= end:
        log.seek(at)
        frame = log.read(_FRAME_HEAD)
        number, n_pages = struct.unpack(">II", frame[:8])
        if frame[8:16] != head[16:24] or number == 0:  # from an earlier use of the log
            break
        waiting[number] = at + _FRAME_HEAD
        if n_pages:
            committed.update(waiting)
            waiting = {}
        at += _FRAME_HEAD + page_size
    return committed


def _values(payload: bytes) -> tuple[Any, ...]:
    """Return the values of a record: a head of type numbers, then the values one after the other."""
    head_length, at = _varint(payload, 0)
    if not 0 < head_length <= len(payload):
        raise ValueError("the head is longer than the record")
    kinds = []
    while at < head_length:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Any] = []
    at = head_length
    for kind in kinds:
        length = _INTEGER_BYTES.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        piece = _exactly(payload, at, length)
        at += length
        if kind == 0:
            values.append(None)
        elif kind in _INTEGER_BYTES:
            values.append(int.from_bytes(piece, "big", signed=True))
        elif kind == 7:
            values.append(struct.unpack(">d", piece)[0])
        elif kind in (8, 9):
            values.append(kind - 8)
        elif kind >= 12:
            values.append(piece if kind % 2 == 0 else piece.decode("utf-8"))
        else:
            raise ValueError(f"there is no type {kind}")
    if at != len(payload):
        raise ValueError("the record is longer than its values")
    return tuple(values)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 1 to 9 bytes, seven bits each (the ninth: eight), and where it ends."""
    number = 0
    for step in range(9):
        byte = data[at + step]
        if step == 8:
            return (number << 8) | byte, at + 9
        number = (number << 7) | (byte & 0x7F)
        if byte < 0x80:
            return number, at + step + 1
    raise AssertionError("a number ends at its ninth byte")


def _exactly(data: bytes, start: int, length: int) -> bytes:
    piece = data[start : start + length]
    if len(piece) != length:
        raise ValueError("a part is missing")
    return piece
