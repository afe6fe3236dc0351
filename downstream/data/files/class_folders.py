"""Files of a case each in folders that are called like classes, with or without `train` and `test` above these."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from downstream.data.files.opening import suffix_of
from downstream.errors import DataError

_TABLES = ((".csv", ".parquet", ".pq"), (".tsv", ".txt"))  # the second ones may be remarks beside the first


class FolderPart(NamedTuple):
    """Files of cases, what each case is called, and the label that its folder gives it."""

    files: tuple[Path, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]


def tables_in(*folders: Path, also_text: bool = True) -> list[Path]:
    """Return the tables in folders, by name; where there is no `.csv` or `.parquet`, those in `.tsv` and `.txt` too."""
    files = [p for folder in folders for p in sorted(folder.iterdir()) if p.name[0] != "." and p.is_file()]
    return next(
        (found for types in _TABLES[: 1 + also_text] if (found := [p for p in files if suffix_of(p) in types])), []
    )


def class_folders(folder: Path) -> tuple[FolderPart, FolderPart | None] | None:
    """Return the training and the test cases below a folder, None where its folders hold no tables.

    The label of a file is the name of its folder. Its case is called as the file, or, where another file of the part
    has the same name, by that of the folder too.

    Raises:
        DataError: If there is a folder `test`, but none `train`.
    """
    below = {path.name.lower(): path for path in _folders(folder)}
    if "test" in below and "train" not in below and _files_of(below["test"]):
        raise DataError(f"{folder}: there is a folder 'test' of classes, but none 'train' beside it")
    tops = [below[part] for part in ("train", "test") if part in below and _files_of(below[part])]
    found = [_files_of(top) for top in tops] if "train" in below and tops else [_files_of(folder)]
    if not found[0]:
        return None
    parts = [FolderPart(tuple(files), _names(files), tuple(path.parent.name for path in files)) for files in found]
    return parts[0], parts[1] if parts[1:] else None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name[0] not in "._" and path.is_dir())


def _files_of(folder: Path) -> list[Path]:
    return tables_in(*_folders(folder))


def _names(files: Sequence[Path]) -> tuple[str, ...]:
    names = tuple(path.name for path in files)
    return names if len(set(names)) == len(names) else tuple(f"{path.parent.name}/{path.name}" for path in files)
