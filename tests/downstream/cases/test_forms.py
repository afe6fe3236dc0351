"""One set of cases in every form of tables and folders is one task."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.data.files.ts import read_ts_cases
from downstream.data.loading import load_plain_series
from downstream.errors import DataWarning

ITALY = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"
PARTS = ("TRAIN", "TEST")


class Part(NamedTuple):
    """Cases (n, time) and the text of their labels."""

    values: np.ndarray
    labels: list[str]

    def wide(self, *, step: str = "t") -> pd.DataFrame:
        return pd.DataFrame(self.values, columns=[f"{step}{place}" for place in range(self.values.shape[1])])

    def long(self) -> pd.DataFrame:
        n, length = self.values.shape
        return pd.DataFrame(
            {
                "case": np.repeat(np.arange(n), length),
                "step": np.tile(np.arange(length), n),
                "demand": self.values.ravel(),
                "label": np.repeat(self.labels, length),
            }
        )


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    found = {}
    for part, n in zip(PARTS, (24, 12), strict=True):
        cases = read_ts_cases(ITALY / f"ItalyPowerDemand_{part}.ts")
        found[part] = Part(np.stack(cases.cases)[:n, :, 0], cases.labels[:n].tolist())
    return found


def text_of(part: Part, *, mark: str, label: Callable[[str], str] = str) -> str:
    rows = zip(part.labels, part.values.tolist(), strict=True)
    return "".join(mark.join([label(name), *map(repr, row)]) + "\n" for name, row in rows)


def ucr(ending: str, mark: str, label: Callable[[str], str] = str) -> Callable[[Path, dict[str, Part]], Path]:
    def write(folder: Path, parts: dict[str, Part]) -> Path:
        for name, part in parts.items():
            content = text_of(part, mark=mark, label=label).encode()
            (folder / f"Italy_{name}{ending}").write_bytes(gzip.compress(content) if ending[-3:] == ".gz" else content)
        return folder / f"Italy_TRAIN{ending}"

    return write


def tables(ending: str, of: Callable[[Part], pd.DataFrame]) -> Callable[[Path, dict[str, Part]], Path]:
    def write(folder: Path, parts: dict[str, Part]) -> Path:
        for name, part in parts.items():
            path = folder / f"Italy_{name}{ending}"
            if ending == ".parquet":
                of(part).to_parquet(path)
            else:
                of(part).to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
        return folder / f"Italy_TRAIN{ending}"

    return write


def class_folders(folder: Path, parts: dict[str, Part]) -> Path:
    for name, part in parts.items():
        for place, (label, values) in enumerate(zip(part.labels, part.values, strict=True)):
            path = folder / name.lower() / label / f"case {place}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            pd.DataFrame({"demand": values}).to_csv(path, index=False)
    return folder


def wide(part: Part) -> pd.DataFrame:
    return part.wide().assign(label=part.labels)


def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(len(frame))
    return frame.iloc[rng.permutation(len(frame)), rng.permutation(frame.shape[1])]


def with_ids(part: Part) -> pd.DataFrame:
    return wide(part).assign(case_id=[f"day {place}" for place in range(len(part.labels))])


FORMS: dict[str, Callable[[Path, dict[str, Part]], Path]] = {
    "commas": ucr(".csv", ","),
    "commas, .txt": ucr(".txt", ","),
    "tabs": ucr(".tsv", "\t"),
    "blanks": ucr(".txt", "  ", lambda name: f"  {float(name):.7e}"),
    "no type": ucr("", ","),
    "packed": ucr(".csv.gz", ","),
    "wide": tables(".csv", wide),
    "wide, tabs": tables(".tsv", wide),
    "wide, .txt": tables(".txt", wide),
    "wide, parquet": tables(".parquet", wide),
    "wide, ids, in any order": tables(".csv", lambda part: shuffled(with_ids(part))),
    "wide, steps that only count": tables(".csv", lambda part: part.wide(step="").assign(label=part.labels)),
    "long": tables(".csv", Part.long),
    "long, in any order": tables(".csv", lambda part: shuffled(part.long())),
    "long, parquet": tables(".parquet", Part.long),
    "long, unique_id": tables(".csv", lambda part: part.long().rename(columns={"case": "unique_id", "step": "ds"})),
    "class folders": class_folders,
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_task(form: str, parts: dict[str, Part], tmp_path: Path) -> None:
    if "parquet" in form:
        pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    known = load_task(
        tuple(x for part in parts.values() for x in (part.values[:, None], np.asarray(part.labels, dtype=object))),
        kind="classification",
    )
    path = FORMS[form](tmp_path, parts)
    for source in (
        [path] if path.is_dir() else [tmp_path, path, Path(str(path).replace("TRAIN", "TEST")), tmp_path / "Italy"]
    ):
        task = load_task(source, kind="classification")
        assert isinstance(task, ClassificationTask) and task.hash == known.hash, source
        np.testing.assert_array_equal(task.windows.gather(), known.windows.gather())
        assert task.labels.tolist() == known.labels.tolist() and task.classes == ("1", "2")
    test, expected = task.open_test(), known.open_test()
    np.testing.assert_array_equal(test.windows.gather(), expected.windows.gather())
    assert test.labels.tolist() == expected.labels.tolist()
    assert load_task(path, kind=None).hash == known.hash
    assert load_task(path, kind="regression").labels.tolist() == [float(label) for label in parts["TRAIN"].labels]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_without_a_question(form: str, parts: dict[str, Part], tmp_path: Path) -> None:
    if "parquet" in form:
        pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    path = FORMS[form](tmp_path, parts)
    path = path / "test" if path.is_dir() else Path(str(path).replace("TRAIN", "TEST"))
    data = load_plain_series(path, kind="classification")
    values = {one.name: one.values[:, 0] for one in data.series}
    assert len(values) == 12
    for place, expected in enumerate(parts["TEST"].values):
        at = next(name for name in values if name.split(".")[0].split(" ")[-1] == str(place))
        np.testing.assert_array_equal(values[at], expected)
