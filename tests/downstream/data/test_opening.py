"""Files that are missing, packed wrongly, of another kind, or not text."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from downstream.data.files.opening import read_bytes, read_text, stem_of, suffix_of
from downstream.errors import DataError


@pytest.mark.parametrize(
    ("name", "stem", "suffix"),
    [
        ("GunPoint_TRAIN.ts.gz", "GunPoint", ".ts"),
        ("ETTh1.CSV", "ETTh1", ".csv"),
        ("my.data.csv", "my.data", ".csv"),
        ("X_TEST.arff", "X", ".arff"),
    ],
)
def test_names(name: str, stem: str, suffix: str) -> None:
    assert stem_of(Path(name)) == stem and suffix_of(Path(name)) == suffix


def test_missing_file_suggests_near_names(tmp_path: Path) -> None:
    (tmp_path / "ETTh1.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"no such file or folder; did you mean 'ETTh1.csv'"):
        read_bytes(tmp_path / "ETTh2.csv")
    with pytest.raises(DataError, match=r"no such file, nor the folder"):
        read_bytes(tmp_path / "nowhere" / "ETTh1.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read"):
        read_bytes(tmp_path)


@pytest.mark.parametrize("content", [b"", b" \n\n"])
def test_empty_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a.csv: the file is empty"):
        read_text(path)


@pytest.mark.parametrize("damage", ["cut", "flip", "header"])
def test_corrupt_gzip(tmp_path: Path, damage: str) -> None:
    packed = bytearray(gzip.compress(b"a,b\n1,2\n" * 100))
    if damage == "cut":
        packed = packed[:-12]
    elif damage == "flip":
        packed[-6] ^= 0xFF
    else:
        packed[10:20] = b"\xff" * 10
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"corrupt or cut short"):
        read_text(path)


def test_gz_by_name_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"ends in .gz but the content is not gzip"):
        read_text(path)


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_text(path) == "a,b\n1,2\n"


def test_other_kinds_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"PAR1....")
    with pytest.raises(DataError, match=r"the content is a parquet file"):
        read_text(path)


def test_undecodable_bytes_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a\n1\nK\u00f6ln\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"line 3 holds a byte that is not UTF-8 text .0xf6."):
        read_text(path)
