"""NumPy files to arrays; pickled objects are never loaded."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from downstream.data.opening import read_bytes
from downstream.data.raw import Arrays
from downstream.errors import DataError

_DAMAGE = (
    *(ValueError, OSError, EOFError, KeyError, MemoryError),
    *(SyntaxError, tokenize.TokenError),  # headers of arrays are Python literals
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),  # unknown compression, encryption
)
KEYS = ("X", "y", "X_test", "y_test", "values", "labels")


def read_numpy_arrays(path: Path) -> Arrays:
    """Read an `.npz` file with known keys, or the one array of an `.npy` file as `values`.

    Raises:
        DataError: If it cannot be opened, is of another kind, corrupt, holds objects, or has no known key.
    """
    content = read_bytes(path)
    if not content.startswith((b"PK\x03\x04", b"\x93NUMPY")):
        raise DataError(f"{path.name}: the content is not a NumPy .npz or .npy file")
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Arrays(path.name, {"values": loaded})
        found = {key: loaded[key] for key in KEYS if key in loaded.files}
    except _DAMAGE as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{path.name}: it holds pickled Python objects, which are refused; save plain numeric arrays "
                "(pad unequal lengths with NaN)"
            ) from error
        raise DataError(f"{path.name}: the NumPy file is corrupt ({error})") from error
    if not found:
        raise DataError(
            f"{path.name}: known arrays are {', '.join(KEYS)}; it holds {', '.join(loaded.files) or 'none'}"
        )
    return Arrays(path.name, found)
