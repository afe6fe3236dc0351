"""Parquet files to a table; needs pyarrow, imported when the first such file is read."""

import importlib
import io
from dataclasses import replace
from pathlib import Path

import pandas as pd

from downstream.data.files.opening import read_bytes
from downstream.data.options import PLAIN, TableForm
from downstream.data.panels import named_table
from downstream.data.raw import Table
from downstream.errors import DataError


def read_parquet_table(path: Path, form: TableForm = PLAIN) -> Table:
    """Read a parquet file; an index that pandas stored in it is the frame's index again.

    Raises:
        DataError: If pyarrow is missing, or the file cannot be opened is no parquet file, or repeats a name.
    """
    content = read_bytes(path)
    if not content.startswith(b"PAR1"):
        raise DataError(f"{path.name}: the content is not parquet (it must begin with 'PAR1')")
    try:
        errors = importlib.import_module("pyarrow").ArrowException
    except ImportError as error:
        raise DataError(
            f'{path.name}: reading parquet needs pyarrow; install it with pip install "ts-contrastive-nas[parquet]"'
        ) from error
    try:
        frame = pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except (errors, OSError, ValueError) as error:
        raise DataError(f"{path.name}: the parquet file is corrupt ({str(error).splitlines()[0]})") from error
    return replace(named_table(frame, source=path.name), form=form)
