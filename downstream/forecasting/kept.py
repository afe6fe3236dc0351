"""Blocks of rows that are read several times: in memory as far as it reaches, behind that in a temporary file."""

import contextlib
import pickle  # a file without a name, which nobody else can read
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np

from compute.memory import at_a_time, is_limited
from downstream.forecasting.rows import RowBlock


class KeptBlocks:
    """Blocks to iterate over again and again, in the same order.

    Representing the windows anew each time would take far longer than reading them back.

    Args:
        blocks: Read to the end at once.
        file: Where those go that have no room in memory.

    Attributes:
        held: The first ones, in memory.
    """

    def __init__(self, blocks: Iterable[RowBlock], *, file: IO[bytes]) -> None:
        self.held: list[RowBlock] = []
        self._places: list[int] = []
        self._file = file
        left = at_a_time(2**62, "kept row", bytes_each=1) if is_limited() else 2**62
        for block in blocks:
            size = sum(value.nbytes for value in vars(block).values() if isinstance(value, np.ndarray))
            if size <= left and not self._places:
                self.held.append(block)
                left -= size
            else:
                self._places.append(self._file.tell())
                pickle.dump(block, self._file)

    def __iter__(self) -> Iterator[RowBlock]:
        yield from self.held
        for place in self._places:
            self._file.seek(place)  # another reader may have moved on
            yield pickle.load(self._file)


@contextlib.contextmanager
def kept(blocks: Iterable[RowBlock]) -> Iterator[KeptBlocks]:
    """Keep blocks until the end of the `with` block; their file has no name, and is closed then.

    Args:
        blocks: Read to the end at once.
    """
    with tempfile.TemporaryFile() as file:
        yield KeptBlocks(blocks, file=file)
