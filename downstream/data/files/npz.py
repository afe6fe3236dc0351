"""NumPy files to arrays; pickled objects are never loaded."""

import io
import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from downstream.data.files.opening import LARGEST_RATIO, read_bytes, unpacked_limit
from downstream.data.raw import Arrays
from downstream.errors import DataError

_DAMAGE = (
    *(ValueError, OSError, EOFError, KeyError, MemoryError, TypeError, OverflowError, RecursionError, lzma.LZMAError),
    *(SyntaxError, tokenize.TokenError),  # headers of arrays are Python literals
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),  # unknown compression, encryption
)
KEYS = ("X", "y", "X_test", "y_test", "values", "labels")
_ALSO = {"X": "X_train", "y": "y_train"}
"""Other names of keys, where a file has the name itself not."""


def read_numpy_arrays(path: Path) -> Arrays:
    """Read an `.npz` file with known keys, or the one array of an `.npy` file as `values`.

    Raises:
        DataError: If it cannot be opened, is of another kind, corrupt, a zip bomb, holds objects, or has no known key.
    """
    content = read_bytes(path)
    if not content.startswith((b"PK\x03\x04", b"\x93NUMPY")):
        raise DataError(f"{path.name}: the content is not a NumPy .npz or .npy file")
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Arrays(path.name, {"values": loaded})
        arrays = _members(loaded, limit=unpacked_limit(len(content)), source=path.name)
    except DataError:
        raise
    except _DAMAGE as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{path.name}: it holds pickled Python objects, which are refused; save plain numeric arrays "
                "(pad unequal lengths with NaN)"
            ) from error
        raise DataError(f"{path.name}: the NumPy file is corrupt ({' '.join(str(error).split())})") from error
    if not arrays:
        raise DataError(
            f"{path.name}: known arrays are {', '.join(KEYS)}; it holds {', '.join(loaded.files) or 'none'}"
        )
    return Arrays(path.name, arrays)


def _members(loaded: NpzFile, *, limit: int, source: str) -> dict[str, NDArray[Any]]:
    """Return the arrays with known keys; they may not be larger than the file makes likely, as float64 either."""
    called = {key: key if key in loaded.files else _ALSO.get(key, key) for key in KEYS}
    wanted = {key: name for key, name in called.items() if name in loaded.files}
    sizes = {Path(info.filename).stem: info.file_size for info in loaded.zip.infolist()} if loaded.zip else {}
    arrays: dict[str, NDArray[Any]] = {}
    for key, name in wanted.items():
        if sum(sizes.get(each, 0) for each in wanted.values()) <= limit:
            arrays[key] = loaded[name]
            if not isinstance(arrays[key], np.ndarray):  # NumPy hands out what is no array as it is
                raise DataError(f"{source}: {name} is no NumPy array")
    if len(arrays) < len(wanted) or sum(array.size for array in arrays.values()) * 8 > limit:
        raise DataError(
            f"{source}: its arrays unpack to more than {LARGEST_RATIO} times the file's size; if that is meant, "
            "save them without compression"
        )
    return arrays
