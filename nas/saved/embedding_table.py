"""The table of representations that `tscnas embed` writes, for more rows than memory has room for."""

import itertools
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ahc.bank.export import plain_cell
from compute.memory import at_a_time
from downstream.errors import DataError

ROWS_AT_A_TIME = 16_384
_COPIED_BYTES = 1 << 20
_COPIES = 24  # bytes for each number: as read, in a frame, and as the text or column that is written


class EmbeddingTable(AbstractContextManager["EmbeddingTable"]):
    """Rows on their way to a file; until all are there they wait in a temporary file beside it.

    Args:
        path: The file; its ending, .npz, .csv or .parquet, is its format.
        per_step: Whether a series has a row for each of its time steps, which is then numbered.
        time: What the column of time stamps beside the numbers is called, in CSV and Parquet where all series have any.
    """

    def __init__(self, path: Path, *, per_step: bool, time: str = "time") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._per_step, self._time = path, per_step, time
        self._rows = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed by __exit__
        self._series: list[tuple[str, int]] = []  # names, and how many rows each has
        self._stamps: list[pd.Series] = []
        self._width = 0

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features so far."""
        return sum(n for _, n in self._series), self._width

    def add(self, name: str, blocks: Iterable[NDArray[np.float32]], *, stamps: pd.Series | None = None) -> None:
        """Add the rows of a series.

        Args:
            name: Of the series.
            blocks: Its rows in order, shape (rows, features) each.
            stamps: What says where each is in time, (rows,); None where nothing does.
        """
        self._stamps += [] if stamps is None else [stamps]
        n_rows = 0
        for block in blocks:
            self._rows.write(np.ascontiguousarray(block, dtype=np.float32).data)
            self._width, n_rows = block.shape[1], n_rows + len(block)
        text = name.encode("utf-8", "backslashreplace").decode()  # the name of a file need not be text
        self._series.append((text, n_rows))

    def write(self) -> None:
        """Write the file, complete or not at all; in CSV no name is a formula.

        Raises:
            DataError: If the format needs a library that is missing.
        """
        partial = self._path.with_name(f"{self._path.name}.partial")
        writers = {".npz": self._write_npz, ".csv": self._write_csv, ".parquet": self._write_parquet}
        writers[self._path.suffix](partial)
        partial.replace(self._path)

    def _write_npz(self, path: Path) -> None:
        n_rows = self.shape[0]
        names = np.asarray([name for name, _ in self._series] or [""])
        numbers = self._labels(bytes_each=2 * names.itemsize)
        self._rows.seek(0)
        columns: list[tuple[str, np.dtype[Any], tuple[int, ...], Iterable[bytes]]] = [
            ("embeddings", np.dtype(np.float32), self.shape, iter(lambda: self._rows.read(_COPIED_BYTES), b"")),
            ("series", names.dtype, (n_rows,), (names[number].tobytes() for number, _ in numbers)),
        ]
        if self._per_step:
            steps = (step.tobytes() for _, step in self._labels(bytes_each=16))
            columns.append(("step", np.dtype(np.int64), (n_rows,), steps))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, dtype, shape, parts in columns:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    _write_header(file, dtype, shape)
                    file.writelines(parts)

    def _write_csv(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            for number, frame in enumerate(self._frames()):
                for column in frame.columns[:3]:  # names, and the texts of time stamps
                    if pd.api.types.is_object_dtype(frame[column]) or pd.api.types.is_string_dtype(frame[column]):
                        frame[column] = frame[column].map(plain_cell)
                frame = frame.rename(columns=plain_cell)
                frame.to_csv(file, index=False, header=number == 0)

    def _write_parquet(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetWriter
        except ImportError as error:
            raise DataError('writing .parquet needs pyarrow: pip install "ts-contrastive-nas[parquet]"') from error
        tables = (pyarrow.Table.from_pandas(frame, preserve_index=False) for frame in self._frames())
        first = next(tables)
        with ParquetWriter(path, first.schema) as writer:
            for table in itertools.chain([first], tables):
                writer.write_table(table)

    def _frames(self) -> Iterator[pd.DataFrame]:
        """Yield the table in frames of bounded size, at least one."""
        self._rows.seek(0)
        width = self._width
        names = np.asarray([name for name, _ in self._series], dtype=object)
        for number, step in self._labels(bytes_each=_COPIES * width):
            values = np.frombuffer(self._rows.read(4 * len(step) * width), dtype=np.float32)
            frame = pd.DataFrame(values.reshape(len(step), width), columns=[f"f{at}" for at in range(width)])
            frame.insert(0, "series", names[number])
            if self._per_step:
                frame.insert(1, "step", step)
            if self._per_step and self._stamps and len(self._stamps) == len(self._series):
                frame.insert(2, f"{self._time}_" if self._time in frame.columns else self._time, self._at(number, step))
            yield frame

    def _at(self, number: NDArray[np.int64], step: NDArray[np.int64]) -> pd.Series:
        """Return the time stamps of some rows, in one type for the whole table."""
        parts = [self._stamps[one].iloc[step[number == one]] for one in np.unique(number)]
        stamps: pd.Series = pd.concat(parts, ignore_index=True)
        return stamps if len({one.dtype for one in self._stamps}) == 1 else stamps.astype(str)

    def _labels(self, *, bytes_each: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the number of its series and its step within that, for as many rows as are held at a time."""
        n_rows = np.asarray([n for _, n in self._series], dtype=np.int64)
        ends = n_rows.cumsum()
        some = at_a_time(ROWS_AT_A_TIME, "row", bytes_each=bytes_each)
        for begin in range(0, max(self.shape[0], 1), some):
            row = np.arange(begin, min(begin + some, self.shape[0]), dtype=np.int64)
            number = np.searchsorted(ends, row, side="right")
            yield number, row - (ends - n_rows)[number]


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    facts = {
        "descr": np.lib.format.dtype_to_descr(dtype),  # type: ignore[no-untyped-call]
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, facts)  # type: ignore[no-untyped-call]
