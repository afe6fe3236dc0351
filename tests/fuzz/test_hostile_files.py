"""What was found by the campaign, or is known to be tried: payloads, bombs, links, giants; each by one file."""

from __future__ import annotations

import csv
import gzip
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ahc.checkpoint import CheckpointError, load_comparator
from downstream.data import load_task
from downstream.data.loading import load_plain_series
from downstream.errors import DataError
from nas.choosing.genotype_file import named_genotype
from nas.errors import OptionError, OutputExistsError
from nas.labels.head_file import load_head
from nas.options.search import SearchOptions
from nas.runs.folder import RunFolder
from nas.saved.embedding_table import EmbeddingTable
from nas.saved.encoder import load_encoder
from nas.saved.predictor import load_predictor
from nas.saved.tensor_file import SavedEncoderError
from search_space.genotype import Genotype, GenotypeError
from search_space.presets import preset
from search_space.sentences import lines_of, one_line


class Trap:
    """Unpickled, it makes a file."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path("trapped").touch, ())


def object_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray([Trap()], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def object_archive() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, X=np.asarray([Trap()], dtype=object), y=np.zeros(1))
    return buffer.getvalue()


def torch_file() -> bytes:
    buffer = io.BytesIO()
    torch.save({"facts": Trap()}, buffer)
    return buffer.getvalue()


PAYLOADS = {"npy": object_array, "npz": object_archive, "pt": torch_file, "pkl": lambda: pickle.dumps(Trap())}


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.csv.gz", "x.parquet", "x_TRAIN.ts", "x.pkl", "x.pt"])
def test_no_reader_runs_a_payload(payload: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = PAYLOADS[payload]()
    Path(name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DataError):
        load_task(name, kind=None)
    assert [str(path) for path in Path().iterdir()] == [name]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("load", [load_comparator, load_encoder, load_head, load_predictor])
def test_no_loader_runs_a_payload(
    payload: str, load: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.safetensors").write_bytes(PAYLOADS[payload]())
    with pytest.raises((CheckpointError, SavedEncoderError), match="safetensors"):
        load(Path("x.safetensors"))
    assert [str(path) for path in Path().iterdir()] == ["x.safetensors"]


def refusal(path: Path, *, kind: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        load_task(path, kind=kind)  # type: ignore[arg-type]
    return str(caught.value)


def test_bombs(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(bytes(2**20)) * 40)
    assert "unpacks to more than" in refusal(tmp_path / "a.csv.gz")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        buffer = io.BytesIO()
        np.save(buffer, np.zeros(2**25, dtype=np.uint8))
        archive.writestr("values.npy", buffer.getvalue())
    assert "unpack to more than" in refusal(tmp_path / "a.npz")


def test_arrays_of_nothing_are_not_listed_case_by_case(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((10**9, 0, 4)))
    assert "needs rows" in refusal(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("X", b"not an array")
    assert "no NumPy array" in refusal(tmp_path / "b.npz")


def test_padding_may_not_fill_the_memory(tmp_path: Path) -> None:
    long = ",".join("1" * 100_000)
    (tmp_path / "a.ts").write_text(f"@classLabel true a b\n@data\n{long}:a\n" + "0:a\n1:b\n" * 500)
    assert "made equally long" in refusal(tmp_path / "a.ts")


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    assert "no plain file" in refusal(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "x.safetensors")
    for load in (load_encoder, load_head, load_predictor):
        with pytest.raises(SavedEncoderError, match="no saved"):
            load(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a,b\n1,\x00\n", "zero byte"),
        ("\ufeff \n\t\n", "empty"),
        ("\x1c", "header"),
        ('a,b\n"1\n' + "x" * 200_000, "line"),
        ("x" * 200_000 + ',"b"\n1,2\n', "line"),
        ("a,b\nx,1\n" + "9" * 400 + ",1\n", "not a number"),
        ("a,b\n1,x" + "y" * 100_000 + "\n", "not a number"),
        ('"a\n\x1b[31m",b\n1,x\n', "not a number"),
    ],
)
def test_odd_tables(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    said = refusal(tmp_path / "a.csv")
    assert word in said and said.isprintable() and len(said) <= 600


def test_every_kind_of_line_end(tmp_path: Path) -> None:
    rows = ["step,a"] + [f"{at},{at * 7 % 5}" for at in range(90)]
    found = []
    for number, end in enumerate(("\n", "\r\n", "\r")):
        (tmp_path / f"{number}.csv").write_bytes(end.join(rows).encode())
        found.append(load_task(tmp_path / f"{number}.csv", kind=None).hash)
    assert len(set(found)) == 1


def test_infinite_cases_are_refused_where_nothing_is_split(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("@classLabel true a\n@data\n1,1e400:a\n1,2:a\n")
    with pytest.raises(DataError, match="infinite"):
        load_plain_series(tmp_path / "a.ts", kind="classification")


def test_numbers_and_lists_without_end_in_a_genotype(tmp_path: Path) -> None:
    whole = preset("simclr").to_dict()
    huge = whole | {"TrainCell": whole["TrainCell"] | {"learning_rate": 10**400}}
    with pytest.raises(GenotypeError, match="learning_rate"):
        Genotype.from_dict(huge)
    many = whole | {"EncoderCell": whole["EncoderCell"] | {"edges": [[0, "x"]] * 100_000}}
    with pytest.raises(GenotypeError) as caught:
        Genotype.from_dict(many)
    assert len(str(caught.value).splitlines()) <= 22
    for text in ("[" * 100_000, '{"schema": ' + "9" * 5000 + "}"):
        (tmp_path / "genotype.json").write_text(text)
        with pytest.raises(OptionError, match="not a readable JSON file"):
            named_genotype(str(tmp_path), kind=None)


@pytest.mark.parametrize("changes", [{"time_budget": float("inf")}, {"rng_seed": 2**70}, {"output": "a\0b"}])
def test_options_that_nothing_could_use(changes: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"finite number within 64 bits|zero byte"):
        SearchOptions("d.csv", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["log.txt", "trials", "trials/x.safetensors", "bank.sqlite"])
def test_links_lead_nowhere_out_of_a_run_folder(name: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.safetensors").write_text("mine")
    run = tmp_path / "run"
    RunFolder(run, config={"data": "d"}).start()
    if name == "trials":
        (run / name).rmdir()
    (run / name).symlink_to(outside)
    with pytest.raises(OutputExistsError, match="is a link"):
        RunFolder(run, config={"data": "d"}, overwrite=True).start()
    assert (outside / "mine.safetensors").read_text() == "mine"


def test_what_is_read_from_a_run_folder_lies_in_it(tmp_path: Path) -> None:
    for name, load, kind in (
        ("encoder.safetensors", load_encoder, SavedEncoderError),
        ("genotype.json", lambda path: named_genotype(str(path), kind=None), OptionError),
    ):
        (tmp_path / name).symlink_to("/etc/hostname")
        with pytest.raises(kind, match="link"):
            load(tmp_path)


def test_formulas_are_data_on_the_way_in_and_text_on_the_way_out(tmp_path: Path) -> None:
    name = "=cmd|' /C calc'!A0"
    text = "\n".join(["unique_id,ds,y", *(f"{name},{at},{at * 7 % 5}" for at in range(60))])
    (tmp_path / "a.csv").write_text(text)
    series = load_plain_series(tmp_path / "a.csv", kind="forecasting").series
    assert [one.name for one in series] == [name]
    with EmbeddingTable(tmp_path / "z.csv", per_step=False) as table:
        for one in (name, "s1"):
            table.add(one, [np.ones((1, 2), dtype=np.float32)])
        table.write()
    assert pd.read_csv(tmp_path / "z.csv")["series"].tolist() == [f"'{name}", "s1"]
    folder = RunFolder(tmp_path / "run", config={})
    folder.start()
    folder.write_csv("scores.csv", [{"method": name, "value": -1.5}])
    with (tmp_path / "run" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [["method", "value"], [f"'{name}", "-1.5"]]


def test_messages_show_what_they_cannot_print() -> None:
    assert one_line("a\nb\x1b[31m\u202e\ud800") == "a\\nb\\x1b[31m\\u202e\\ud800"
    assert len(one_line("\x00" * 5000)) <= 600 and one_line("é plain") == "é plain"
    assert lines_of("a\n\nb\n" + "c\n" * 50).splitlines()[:2] == ["a", "b"]
    assert lines_of("c\n" * 50).splitlines()[-1] == "and 30 more"
