"""The readers under fire: whatever a file holds, it becomes a task or one sentence of `DataError`."""

from __future__ import annotations

import gzip
import io
import random
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from downstream.errors import DataError
from tests.fuzz.valid_files import TEXTS, read_as_some, reading

# shares of the campaign; together with those of the other files of this folder they make one
SHARES = dict.fromkeys(("csv", "npz"), 0.1) | dict.fromkeys(("ts", "arff", "parquet"), 0.06)
SHARES |= dict.fromkeys(("csv.gz", "npy", "folder"), 0.05) | dict.fromkeys(("tsv", "txt"), 0.025)


@cache
def bombs() -> tuple[bytes, ...]:
    """Files of about a megabyte that unpack to a gigabyte."""
    return tuple(gzip.compress(piece * (2**24 // len(piece))) * 64 for piece in (b"1,2\n", b"\0"))


def text_file(kind: str, fuzz: SimpleNamespace) -> Callable[[random.Random], bytes]:
    def make(rng: random.Random) -> bytes:
        return bytes(fuzz.bytes_of(rng, rng.choice(TEXTS[kind]), TEXTS[kind]))

    return make


def packed(fuzz: SimpleNamespace) -> Callable[[random.Random], bytes]:
    def make(rng: random.Random) -> bytes:
        if rng.random() < 0.01:
            return rng.choice(bombs())
        content = rng.choice(TEXTS["csv"])
        if rng.random() < 0.5:
            return gzip.compress(fuzz.bytes_of(rng, content, TEXTS["csv"]), 1)
        return bytes(fuzz.bytes_of(rng, gzip.compress(content, 1)))

    return make


@cache
def arrays() -> dict[str, np.ndarray]:
    x = np.sin(np.arange(8 * 2 * 12).reshape(8, 2, 12) / 3)
    return {"X": x, "y": np.arange(8) % 2, "values": x[0], "X_test": x[:4], "y_test": np.arange(4) % 2}


DTYPES = (
    "<f8",
    "<i4",
    "|b1",
    "|u1",
    "<U3",
    "<U0",
    "<U99999999",
    "|V0",
    "|O",
    "<M8[s]",
    "<c16",
    "<f2",
    "<f16",
    "|S4",
    "[('a','<f8')]",
)


def npy(rng: random.Random, fuzz: SimpleNamespace) -> bytes:
    """Return an array file, often with a header that lies."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, rng.choice([*arrays().values()]))
    content = buffer.getvalue()
    if rng.random() < 0.5:
        return bytes(fuzz.bytes_of(rng, content))
    sizes = (0, 1, 2, 8, 12, 10**6, 10**9, 10**12, 2**31, 2**63, -1)
    header = {
        "descr": rng.choice(DTYPES),
        "fortran_order": rng.choice((True, False)),
        "shape": tuple(rng.choice(sizes) for _ in range(rng.randrange(5))),
    }
    text = repr(header).replace("\"[('a','<f8')]\"", "[('a','<f8')]")
    text = text.replace("False", "False" + " " * rng.choice((0, 0, 20_000))) + "\n"
    return (
        b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text.encode() + content[128 : rng.randrange(128, 2000)]
    )


@cache
def npz_bombs() -> tuple[bytes, ...]:
    """Files of 64 KiB whose bytes would fill half a gigabyte as numbers."""
    files = []
    for key in ("X", "values"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{key}.npy", "w") as member:
            head = {"descr": "|u1", "fortran_order": False, "shape": (2**26,)}
            np.lib.format.write_array_header_1_0(member, head)
            for _ in range(4):
                member.write(bytes(2**24))
        files.append(buffer.getvalue())
    return tuple(files)


def npz(rng: random.Random, fuzz: SimpleNamespace) -> bytes:
    if rng.random() < 0.01:
        return rng.choice(npz_bombs())
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    ) as archive:
        for key, array in arrays().items():
            if rng.random() < 0.7:
                inner = io.BytesIO()
                np.lib.format.write_array(inner, array)
                name = rng.choice((f"{key}.npy",) * 6 + (key, f"../../{key}.npy", f"/tmp/{key}.npy"))
                archive.writestr(name, inner.getvalue() if rng.random() < 0.8 else npy(rng, fuzz))
    content = buffer.getvalue()
    return content if rng.random() < 0.5 else bytes(fuzz.bytes_of(rng, content))


def parquet(rng: random.Random, fuzz: SimpleNamespace) -> bytes:
    return bytes(fuzz.bytes_of(rng, rng.choice(parquet_files())))


@cache
def parquet_files() -> tuple[bytes, ...]:
    found = []
    for text in TEXTS["csv"]:
        buffer = io.BytesIO()
        pd.read_csv(io.BytesIO(text)).to_parquet(buffer)
        found.append(buffer.getvalue())
    return tuple(found)


@pytest.mark.parametrize("kind", ["csv", "ts", "tsv", "txt", "arff"])
def test_text_files(kind: str, hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    feed = fuzz.seeded(kind, text_file(kind, fuzz))
    hostile(feed, reading(f"p_TRAIN.{kind}"), share=SHARES[kind], allowed=(DataError,))


def test_packed_tables(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    bombs()  # made before the limits hold
    feed = fuzz.seeded("csv.gz", packed(fuzz))
    hostile(feed, reading("p.csv.gz"), share=SHARES["csv.gz"], allowed=(DataError,))


@pytest.mark.parametrize(("kind", "make"), [("npz", npz), ("npy", npy), ("parquet", parquet)])
def test_binary_files(
    kind: str, make: Callable[..., bytes], hostile: Callable[..., None], fuzz: SimpleNamespace
) -> None:
    npz_bombs()
    parquet_files()
    feed = fuzz.seeded(kind, lambda rng: make(rng, fuzz))
    hostile(feed, reading(f"p.{kind}"), share=SHARES[kind], allowed=(DataError,))


def test_folders(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    names = (
        "a.csv",
        "b.csv",
        "c.CSV",
        "p_TRAIN.ts",
        "p_TEST.ts",
        "q_TRAIN.tsv",
        ".x.csv",
        "z.parquet",
        "\u202e\n.csv",
        "p_TEST.ts.gz",
        "q_TRAIN",
        "q_TEST",
        *("u/a.csv", "u/b.csv", "v/a.csv", "v/c.txt", "train/u/a.csv", "train/v/b.csv", "test/u/a.csv"),
    )

    def make(rng: random.Random) -> dict[str, bytes | None]:
        files: dict[str, bytes | None] = {}
        for name in rng.sample(names, rng.randrange(6)):
            kind = "ts" if ".ts" in name else "txt" if name[:2] == "q_" else "csv"
            files[name] = rng.choice((TEXTS[kind][0], text_file(kind, fuzz)(rng), None))
        return files

    def use(files: dict[str, bytes | None]) -> None:
        folder = Path("given/set")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                (folder / name).mkdir()
            else:
                (folder / name).write_bytes(content)
        read_as_some(folder, number=sum(len(content or b"") for content in files.values()))

    hostile(fuzz.seeded("folder", make), use, share=SHARES["folder"], allowed=(DataError,))
