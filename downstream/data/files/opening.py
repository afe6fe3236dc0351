"""Opening files: what is missing, packed, of another kind or not text is said in one sentence."""

import difflib
import gzip
import io
import zlib
from pathlib import Path

from downstream.errors import DataError

LEAST_LIMIT = 16 * 2**20
LARGEST_RATIO = 30
"""Data may unpack to so many times its packed size, or to `LEAST_LIMIT` bytes; what unpacks to more is a bomb."""
_PARTS = ("_TRAIN", "_TEST")
_TYPES = {".gz", ".csv", ".txt", ".parquet", ".pq", ".ts", ".tsv", ".arff", ".npz", ".npy"}
_GZIP = b"\x1f\x8b"
_MAGIC = {
    b"PK\x03\x04": "a zip archive (such as .xlsx or .npz)",
    b"PAR1": "a parquet file",
    b"\x93NUMPY": "a NumPy .npy file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
}


def suffix_of(path: Path) -> str:
    """Return the file type's suffix in lower case, looking through a final `.gz`; `_TRAIN` and `_TEST` end names."""
    inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return "" if inner.name.endswith(_PARTS) else inner.suffix.lower()


def stem_of(path: Path) -> str:
    """Return the file name without its type, its `.gz`, and a final `_TRAIN` or `_TEST`."""
    return _without_type(path).removesuffix(part_of(path))


def part_of(path: Path) -> str:
    """Return `_TRAIN` or `_TEST`, if that is what a file's name ends with before its type, else nothing."""
    return next((part for part in _PARTS if _without_type(path).endswith(part)), "")


def _without_type(path: Path) -> str:
    name = path.name
    for _ in range(2):
        if Path(name).suffix.lower() in _TYPES:
            name = Path(name).stem
    return name


def missing_file(path: Path) -> DataError:
    """Return the error for a path that does not exist, with the nearest names beside it."""
    parent = path.parent
    if not parent.is_dir():
        return DataError(f"{path}: there is no such file, nor the folder {str(parent)!r}")
    near = difflib.get_close_matches(path.name, sorted(entry.name for entry in parent.iterdir()), n=3)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return DataError(f"{path}: there is no such file or folder{hint}")


def read_bytes(path: Path) -> bytes:
    """Return a file's content, unpacked if it is a gzip file.

    Raises:
        DataError: If it is missing, no plain file, unreadable, empty, not the gzip its name says, or a gzip bomb.
    """
    if not path.exists():
        raise missing_file(path)
    if not path.is_file():
        raise DataError(f"{path.name}: this is no plain file; a folder, pipe or device cannot be read as one")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name}: the file cannot be read ({error.strerror})") from error
    if content.startswith(_GZIP):
        try:
            content = _unpacked(content, source=path.name)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path.name}: the gzip file is corrupt or cut short ({error})") from error
    elif content and path.suffix.lower() == ".gz":
        raise DataError(f"{path.name}: the name ends in .gz but the content is not gzip")
    if not content.strip():
        raise DataError(f"{path.name}: the file is empty")
    return content


def unpacked_limit(n_packed: int) -> int:
    """Return to how many bytes so many packed bytes may unpack."""
    return max(LEAST_LIMIT, LARGEST_RATIO * n_packed)


def _unpacked(content: bytes, *, source: str) -> bytes:
    limit = unpacked_limit(len(content))
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise DataError(
            f"{source}: the gzip file unpacks to more than {LARGEST_RATIO} times its size and {LEAST_LIMIT >> 20} MiB; "
            "if that is meant, unpack it first"
        )
    return content


def read_text(path: Path) -> str:
    """Return a text file's content, decoded as UTF-8.

    Raises:
        DataError: As `read_bytes`, and if the content is of another kind, not UTF-8, or holds zero bytes.
    """
    content = read_bytes(path)
    for magic, what in _MAGIC.items():
        if content.startswith(magic):
            raise DataError(f"{path.name}: expected text because of the name, but the content is {what}")
    zero = content.find(b"\0")
    if zero >= 0:
        line = content.count(b"\n", 0, zero) + 1
        raise DataError(f"{path.name}: line {line} holds a zero byte, so this is no text in UTF-8; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}: line {line} holds a byte that is not UTF-8 text (0x{content[error.start]:02x}); "
            "save the file as UTF-8"
        ) from error
