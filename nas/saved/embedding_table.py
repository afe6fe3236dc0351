"""The table of representations that `tscnas embed` writes, for more rows than memory has room for."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ahc.bank.export import plain_cell
from compute.memory import at_a_time
from downstream.errors import DataError

ROWS_AT_A_TIME = 16_384
_COPIES = 24  # bytes for each number: as read, in a frame, and as the text or column that is written


class EmbeddingTable:
    """Rows on their way to a file; until all are there they wait in a temporary file beside it.

    Args:
        path: The file; its ending, .npz, .csv or .parquet, is its format.
        per_step: Whether a series has a row for each of its time steps, which is then numbered.
    """

    def __init__(self, path: Path, *, per_step: bool) -> None:
        self._path, self._per_step = path, per_step
        self._names: list[tuple[str, int]] = []  # of each series, with its rows
        self._width = 0

    def __enter__(self) -> EmbeddingTable:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._rows: IO[bytes] = tempfile.TemporaryFile(dir=self._path.parent)  # closed by __exit__
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features so far."""
        return sum(n for _, n in self._names), self._width

    def add(self, name: str, blocks: Iterable[NDArray[np.float32]]) -> None:
        """Add the rows of a series.

        Args:
            name: Of the series.
            blocks: Its rows in order, shape (rows, features) each.
        """
        n_rows = 0
        for block in blocks:
            self._rows.write(np.ascontiguousarray(block, dtype=np.float32).data)
            self._width, n_rows = block.shape[1], n_rows + len(block)
        self._names.append((name, n_rows))

    def write(self) -> None:
        """Write the file, complete or not at all; in CSV no name is a formula.

        Raises:
            DataError: If the format needs a library that is missing.
        """
        partial = self._path.with_name(f"{self._path.name}.partial")
        if self._path.suffix == ".npz":
            self._write_npz(partial)
        elif self._path.suffix == ".csv":
            self._write_csv(partial)
        else:
            self._write_parquet(partial)
        partial.replace(self._path)

    def _write_npz(self, path: Path) -> None:
        n_rows = self.shape[0]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("embeddings.npy", "w", force_zip64=True) as file:
                _write_header(file, np.dtype(np.float32), self.shape)
                self._rows.seek(0)
                shutil.copyfileobj(self._rows, file)
            longest = np.dtype(f"<U{max((len(name) for name, _ in self._names), default=1)}")
            with archive.open("series.npy", "w", force_zip64=True) as file:
                _write_header(file, longest, (n_rows,))
                for name, _, count in self._parts(bytes_each=2 * longest.itemsize):
                    file.write(np.full(count, name, dtype=longest).data.tobytes())
            if self._per_step:
                with archive.open("step.npy", "w", force_zip64=True) as file:
                    _write_header(file, np.dtype(np.int64), (n_rows,))
                    for _, first, count in self._parts(bytes_each=16):
                        file.write(np.arange(first, first + count, dtype=np.int64).data)

    def _write_csv(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            for number, frame in enumerate(self._frames()):
                frame["series"] = [plain_cell(name) for name in frame["series"]]
                frame.to_csv(file, index=False, header=number == 0)

    def _write_parquet(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetWriter
        except ImportError as error:
            raise DataError('writing .parquet needs pyarrow: pip install "ts-contrastive-nas[parquet]"') from error
        writer = None
        for frame in self._frames():
            table = pyarrow.Table.from_pandas(frame, preserve_index=False)
            writer = writer or ParquetWriter(path, table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()

    def _frames(self) -> Iterator[pd.DataFrame]:
        """Yield the table in frames of bounded size, each of one series where these have many rows."""
        self._rows.seek(0)
        waiting: list[tuple[str, int, int]] = []
        some = self._rows_at_a_time(_COPIES * self._width)
        for part in self._parts(bytes_each=_COPIES * self._width):
            if waiting and sum(count for *_, count in [*waiting, part]) > some:
                yield self._frame(waiting)
                waiting = []
            waiting.append(part)
        yield self._frame(waiting)

    def _frame(self, parts: list[tuple[str, int, int]]) -> pd.DataFrame:
        n_rows = sum(count for *_, count in parts)
        values = np.frombuffer(self._rows.read(4 * n_rows * self._width), dtype=np.float32)
        frame = pd.DataFrame(values.reshape(n_rows, self._width), columns=[f"f{at}" for at in range(self._width)])
        frame.insert(0, "series", [name for name, _, count in parts for _ in range(count)])
        if self._per_step:
            steps = [np.arange(first, first + count, dtype=np.int64) for _, first, count in parts]
            frame.insert(1, "step", np.concatenate(steps))
        return frame

    def _parts(self, *, bytes_each: int) -> Iterator[tuple[str, int, int]]:
        """Yield name, first row and number of rows of parts of series, none larger than what is held at a time."""
        some = self._rows_at_a_time(bytes_each)
        for name, n_rows in self._names:
            for first in range(0, n_rows, some):
                yield name, first, min(some, n_rows - first)

    @staticmethod
    def _rows_at_a_time(bytes_each: int) -> int:
        return at_a_time(ROWS_AT_A_TIME, "row", bytes_each=bytes_each)


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    facts = {
        "descr": np.lib.format.dtype_to_descr(dtype),  # type: ignore[no-untyped-call]
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, facts)  # type: ignore[no-untyped-call]
