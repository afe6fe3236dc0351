"""Blocks of rows that are read several times: in memory as far as it reaches, behind that in a temporary file."""

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np

from compute.memory import at_a_time, is_limited
from downstream.forecasting.rows import RowBlock
from downstream.forecasting.task import Origins


class KeptBlocks:
    """Blocks to iterate over again and again, in the same order.

    Representing the windows anew each time would take far longer than reading them back.

    Args:
        blocks: Read to the end at once.

    Attributes:
        held: The first ones, in memory.
    """

    def __init__(self, blocks: Iterable[RowBlock]) -> None:
        self.held: list[RowBlock] = []
        self._n_written = 0
        self._file: IO[bytes] | None = None
        left = at_a_time(2**62, "kept row", bytes_each=1) if is_limited() else None
        for block in blocks:
            if left is None or (self._file is None and _bytes(block) <= left):
                self.held.append(block)
                left = None if left is None else left - _bytes(block)
            else:
                self._write(block)

    def __iter__(self) -> Iterator[RowBlock]:
        yield from self.held
        place = 0
        for _ in range(self._n_written):
            assert self._file is not None, "what was written is in the file"
            self._file.seek(place)  # another reader may have moved on
            block = _read(self._file)
            place = self._file.tell()
            yield block

    def _write(self, block: RowBlock) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as this object
        self._file.seek(0, 2)
        _append(block, self._file)
        self._n_written += 1


def _bytes(block: RowBlock) -> int:
    return sum(value.nbytes for value in vars(block).values() if isinstance(value, np.ndarray))


_FIELDS = tuple(field.name for field in dataclasses.fields(RowBlock) if field.name not in ("origins", "z", "joint"))


def _append(block: RowBlock, file: IO[bytes]) -> None:
    """Write a block, array after array; in place of an absent representation a vector."""
    z = np.empty(0) if block.z is None else block.z
    for array in (*block.origins, z, np.asarray(block.joint), *(getattr(block, name) for name in _FIELDS)):
        np.save(file, array, allow_pickle=False)


def _read(file: IO[bytes]) -> RowBlock:
    """Return the block that starts here."""
    series, step, z, joint, *arrays = (np.load(file, allow_pickle=False) for _ in range(4 + len(_FIELDS)))
    values = dict(zip(_FIELDS, arrays, strict=True))
    return RowBlock(origins=Origins(series, step), z=z if z.ndim == 3 else None, joint=bool(joint), **values)
