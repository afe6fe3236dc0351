"""Every mistake of a user gets one sentence and status 2 or 3; nothing is written."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from ahc.checkpoint import save_comparator
from ahc.comparator import Comparator, ComparatorSettings
from ahc.graphs.vocabulary import Vocabulary
from compute.user_error import DATA, USAGE
from nas.cli.program import main
from search_space.presets import preset

N_ROWS = 600
HEADER = "@problemName p\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n"


def table(rows: list[list[str]], *, header: str = "date,a,b", separator: str = ",") -> str:
    return "\n".join([header.replace(",", separator), *(separator.join(row) for row in rows)]) + "\n"


def rows() -> list[list[str]]:
    dates = np.datetime64("2020-01-01") + np.arange(N_ROWS)
    return [[str(date), f"{np.sin(at / 5):.4f}", f"{np.cos(at / 9):.4f}"] for at, date in enumerate(dates)]


def with_cell(at: int, column: int, value: str) -> list[list[str]]:
    changed = rows()
    changed[at][column] = value
    return changed


def with_column(column: int, value: str) -> list[list[str]]:
    return [[*row[:column], value, *row[column + 1 :]] for row in rows()]


def swapped() -> list[list[str]]:
    changed = rows()
    changed[10], changed[11] = changed[11], changed[10]
    return changed


def cases(labels: str, *, n: int = 6) -> str:
    return HEADER + "".join(
        f"{','.join(str((at * 7 + step) % 5) for step in range(12))}:{labels[at]}\n" for at in range(n)
    )


BAD_FORECASTING: dict[str, tuple[str, tuple[str, ...]]] = {
    "empty": ("", ("empty",)),
    "wrong delimiter": (table(rows(), separator=";"), (";",)),
    "text in a value column": (table(with_cell(17, 1, "broken")), ("'a'", "broken")),
    "constant variate": (table(with_column(2, "5.0")), ("'b'", "constant")),
    "too short": (table(rows()[:30]), ("horizon",)),
    "unsorted": (table(swapped()), ("line",)),
    "repeated": (table(with_cell(5, 0, rows()[4][0])), ("line",)),
}


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a command, demands a refusal, and returns the sentence."""

    def run(*words: str, status: int) -> str:
        before = sorted(tmp_path.rglob("*"))
        assert main([*words]) == status
        shown = capsys.readouterr()
        assert sorted(tmp_path.rglob("*")) == before, "a refused command wrote something"
        assert "Traceback" not in shown.err and shown.out == ""
        assert shown.err.startswith("tscnas: error: ")
        assert len(shown.err.strip().splitlines()) == 1
        return shown.err

    return run


@pytest.mark.parametrize("name", BAD_FORECASTING)
def test_bad_tables(name: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    text, words = BAD_FORECASTING[name]
    file = tmp_path / "data.csv"
    file.write_text(text)
    window = ("--window", "48", "--horizons", "24")
    said = refused(
        "search", str(file), "--task", "forecasting", *window, "--output", str(tmp_path / "run"), status=DATA
    )
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("text", "options", "flag"),
    [
        (table(rows(), separator=";"), (), "pass --separator ';'"),
        (table([[row[0], row[1].replace(".", ","), row[2]] for row in rows()], separator=";"), (), "and --decimal ','"),
        (table(rows()[1:], header=",".join(rows()[0])), (), "pass --no-header if it is data"),
        (table(with_cell(17, 1, "broken")), (), "leave the column out with --variates ..."),
        (table(with_column(2, "5.0")), (), "--variates ..."),
        (table([["01/02/2024", "1", "2"], ["05/02/2024", "2", "1"]]), (), "--date-format '%d/%m/%Y' or --date-format"),
        (table(rows()), ("--date-format", "%d.%m.%Y"), "as --date-format '%d.%m.%Y' says"),
        (table(rows()), ("--task", "classification"), "pass --label-column ..."),
        (
            table([[*row, "0", "1"] for row in rows()], header="date,a,b,anomaly,attack"),
            ("--task", "anomaly"),
            "--label-column",
        ),
    ],
)
def test_sentences_about_data_name_flags(
    text: str, options: tuple[str, ...], flag: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "data.csv").write_text(text)
    said = refused("search", str(tmp_path / "data.csv"), *options, "--output", str(tmp_path / "run"), status=DATA)
    assert flag in said and "=" not in said


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--separator", "x"), "must be a comma, ';', '|' or tab, got 'x'"), (("--decimal", ";"), "must be '.' or ','")],
)
def test_wrong_marks(options: tuple[str, ...], message: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    assert message in refused("search", str(tmp_path), *options, status=USAGE)


def test_missing_file_suggests_its_neighbour(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "prices.csv").write_text(table(rows()))
    said = refused("search", str(tmp_path / "price.csv"), "--output", str(tmp_path / "run"), status=DATA)
    assert "prices.csv" in said


@pytest.mark.parametrize(
    ("text", "word"), [(cases("aaaaaa"), "class"), (cases("ab", n=2), "one training case"), (HEADER, "case")]
)
def test_bad_classes(text: str, word: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "p_TRAIN.ts").write_text(text)
    said = refused("search", str(tmp_path / "p_TRAIN.ts"), "--output", str(tmp_path / "run"), status=DATA)
    assert word in said


def test_corrupt_gzip(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress(table(rows()).encode())[:-20])
    said = refused("search", str(tmp_path / "data.csv.gz"), "--output", str(tmp_path / "run"), status=DATA)
    assert "data.csv.gz" in said


def test_unknown_option_in_a_genotype(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "data.csv").write_text(table(rows()))
    genotype = preset("simclr").to_dict()
    genotype["LossCell"]["loss"] = "nt_xnt"
    (tmp_path / "genotype.json").write_text(json.dumps(genotype))
    words = ("search", str(tmp_path / "data.csv"), "--genotype", str(tmp_path / "genotype.json"))
    said = refused(*words, "--output", str(tmp_path / "run"), status=USAGE)
    assert "LossCell" in said and "nt_xent" in said


def test_unknown_preset_and_unknown_flag(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "data.csv").write_text(table(rows()))
    data = ("search", str(tmp_path / "data.csv"), "--output", str(tmp_path / "run"))
    assert "ts2vec" in refused(*data, "--preset", "ts2vek", status=USAGE)
    assert "--top-k" in refused(*data, "--topk", "3", status=USAGE)


def small_comparator(path: Path) -> None:
    vocabulary = Vocabulary.from_registry()
    save_comparator(path, Comparator(vocabulary, settings=ComparatorSettings(task_features=4)))


def test_checkpoint_with_an_unknown_operator(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "data.csv").write_text(table(rows()))
    small_comparator(tmp_path / "good.safetensors")
    with safe_open(tmp_path / "good.safetensors", framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = {key: value.replace("dilated_conv", "warp_drive") for key, value in file.metadata().items()}
    save_file(tensors, tmp_path / "bad.safetensors", metadata)
    words = ("search", str(tmp_path / "data.csv"), "--comparator", str(tmp_path / "bad.safetensors"))
    said = refused(*words, "--output", str(tmp_path / "run"), status=DATA)
    assert "warp_drive" in said


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path("trapped").touch, ())


@pytest.mark.parametrize("command", ["search", "embed", "evaluate"])
def test_a_pickle_in_place_of_a_checkpoint_runs_nothing(
    command: str, tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text(table(rows()))
    (tmp_path / "evil.safetensors").write_bytes(pickle.dumps(Trap()))
    if command == "search":
        words = ("search", "data.csv", "--comparator", "evil.safetensors", "--output", "run")
    else:
        words = (command, "evil.safetensors", "data.csv")
    said = refused(*words, status=DATA)
    assert "evil.safetensors" in said
    assert not Path("trapped").exists()
