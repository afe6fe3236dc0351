"""Case files: .ts, .tsv and .arff against each other and against aeon, and what is wrong with one."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.io.arff import loadarff

from downstream.data import load_plain_series, load_task
from downstream.data.files.arff import read_arff_cases
from downstream.data.files.ts import read_ts_cases
from downstream.data.files.ucr import read_ucr_cases
from downstream.errors import DataError

_HEADER = "@problemName toy\n@timestamps false\n@univariate false\n@classLabel true a b\n@data\n"


def _file(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["ItalyPowerDemand", "BasicMotions", "JapaneseVowels", "PickupGestureWiimoteZ"])
def test_ts_equals_aeon(name: str) -> None:
    datasets = pytest.importorskip("aeon.datasets", reason="aeon is the oracle for .ts files")
    folder = Path(datasets.__file__).parent / "data" / name
    for part in ("TRAIN", "TEST"):
        path = folder / f"{name}_{part}.ts"
        cases = read_ts_cases(path)
        expected, labels = datasets.load_from_ts_file(str(path))
        assert [label.lower() for label in cases.labels] == [str(label).lower() for label in labels]
        assert len(cases.cases) == len(expected)
        for case, other in zip(cases.cases, expected, strict=True):
            np.testing.assert_array_equal(case.T, other)


@pytest.mark.parametrize(
    ("name", "reader", "suffix"),
    [
        ("GunPoint", read_ucr_cases, "tsv"),
        ("GunPoint", read_arff_cases, "arff"),
        ("BasicMotions", read_arff_cases, "arff"),
    ],
)
def test_other_forms_equal_ts(name: str, reader: object, suffix: str) -> None:
    datasets = pytest.importorskip("aeon.datasets", reason="aeon bundles sets in several forms")
    folder = Path(datasets.__file__).parent / "data" / name
    one, two = read_ts_cases(folder / f"{name}_TRAIN.ts"), reader(folder / f"{name}_TRAIN.{suffix}")
    assert one.labels.tolist() == two.labels.tolist()
    np.testing.assert_allclose(np.stack(one.cases), np.stack(two.cases), atol=1e-6)


def test_ts_missing_unequal_and_gzip(tmp_path: Path) -> None:
    text = "# remark\n" + _HEADER + "1,?,3:4,5,6:a\n\n7:8:b\n"
    path = tmp_path / "toy_TRAIN.ts.gz"
    path.write_bytes(gzip.compress(text.encode()))
    cases = read_ts_cases(path)
    np.testing.assert_array_equal(cases.cases[0], [[1, 4], [np.nan, 5], [3, 6]])
    np.testing.assert_array_equal(cases.cases[1], [[7, 8]])
    assert cases.labels.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2:a\n", "line 1 is neither a comment nor an @ header line"),
        ("@classLabel true a\n", "no @data line"),
        (_HEADER, "no case after @data"),
        (_HEADER.replace("@timestamps false", "@timeStamps True") + "(1,2):a\n", "time stamps .@timestamps true."),
        (_HEADER + "1,2:c\n", "line 6 has the label 'c', which @classLabel does not declare"),
        (_HEADER + "1,2:3,4:a\n1,2:a\n", "line 7 has 1 channels, the first case has 2"),
        (_HEADER + "1,2:3:a\n", "line 6 has channels of different length .1, 2."),
        (_HEADER + "1,x:a\n", "line 6 holds something that is not a number"),
        (_HEADER + "1,,2:a\n", "line 6 holds something that is not a number"),
        (_HEADER + "1\n", "line 6 has no ':'"),
    ],
)
def test_wrong_ts(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_ts_cases(_file(tmp_path, text, "toy.ts"))


def test_tsv(tmp_path: Path) -> None:
    cases = read_ucr_cases(_file(tmp_path, "1\t0.5\tNaN\n\n2\t?\t3\t4\n", "toy.tsv"))
    assert cases.labels.tolist() == ["1", "2"]
    np.testing.assert_array_equal(cases.cases[0][:, 0], [0.5, np.nan])
    np.testing.assert_array_equal(cases.cases[1][:, 0], [np.nan, 3, 4])


@pytest.mark.parametrize(
    ("text", "message"),
    [("1|2|3\n", "line 1 has one cell"), ("1\t2\n1\tx\n", "line 2 holds something that is not a number")],
)
def test_wrong_tsv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_ucr_cases(_file(tmp_path, text, "toy.tsv"))


_ARFF = "@relation toy\n@attribute 'a b' numeric\n@attribute c REAL\n@attribute target {x,y}\n@data\n"
_RELATIONAL = "@relation toy\n@attribute r relational\n@attribute a numeric\n@end r\n@attribute target {x,y}\n@data\n"


def test_arff(tmp_path: Path) -> None:
    cases = read_arff_cases(_file(tmp_path, "% remark\n" + _ARFF + "1,?,x\n% more\n3,4,'y'\n", "toy.arff"))
    assert cases.labels.tolist() == ["x", "y"]
    np.testing.assert_array_equal(np.stack(cases.cases)[:, :, 0], [[1, np.nan], [3, 4]])


def test_arff_classes_are_as_declared(tmp_path: Path) -> None:
    head = _ARFF.replace("{x,y}", r"""{'a, b', "it's", 'it\'s b', plain word, X, '50%', 'x}'} % seven""")
    rows = [
        "1,?,'a, b'",
        '2,3,"it\'s"',
        "4,5,'it\\'s b' % remark",
        "4,5, plain word ",
        "4,5,X",
        "4,5,'50%'",
        "4,5,'x}'",
    ]
    cases = read_arff_cases(_file(tmp_path, head + "\n".join(rows), "toy.arff"))
    assert cases.labels.tolist() == ["a, b", "it's", "it's b", "plain word", "X", "50%", "x}"]
    assert [len(case) for case in cases.cases] == [2] * 7


def test_arff_equals_scipy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = ["a b", "c,d", "e"]
    rows = [",".join([*map(repr, rng.normal(size=3).tolist()), f"'{words[i % 3]}'"]) for i in range(9)]
    head = "@relation t\n" + "".join(f"@attribute 'v {i}' numeric\n" for i in range(3))
    path = _file(tmp_path, head + "@attribute class {'a b','c,d','e'}\n@data\n" + "\n".join(rows) + "\n", "t.arff")
    limit = csv.field_size_limit()
    cases, (known, _) = read_arff_cases(path), loadarff(path)
    csv.field_size_limit(limit)  # SciPy sets it for the whole process
    assert cases.labels.tolist() == [row[-1].decode() for row in known]
    np.testing.assert_array_equal(np.stack(cases.cases)[:, :, 0], [list(row)[:3] for row in known])


def test_relational_arff(tmp_path: Path) -> None:
    cases = read_arff_cases(_file(tmp_path, _RELATIONAL + "'1,2,3\\n4,5,?',x\n", "toy.arff"))
    np.testing.assert_array_equal(cases.cases[0], [[1, 4], [2, 5], [3, np.nan]])
    quoted = _RELATIONAL.replace("{x,y}", "{'x y','z, w'}") + "'1,2\\n4,5','x y'\n\"1,2\\n4,5\" , 'z, w'\n"
    assert read_arff_cases(_file(tmp_path, quoted, "toy.arff")).labels.tolist() == ["x y", "z, w"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_ARFF + "1,2,z\n", "line 6 has the class 'z', which the header does not declare"),
        (_ARFF + "1,2,?\n", "line 6 has no class"),
        (_ARFF + "{0 1,2 x}\n", "line 6: sparse rows in braces are not read"),
        (_ARFF.replace("REAL", "{u,v}") + "1,u,x\n", "must be numeric, got '{u,v}' for 'c'"),
        (_ARFF.replace("{x,y}", "{x,y") + "1,2,x\n", "last attribute must be the class"),
        (_ARFF.replace("{x,y}", "{x'y,z}") + "1,2,z\n", "are not a list of names"),
        (_ARFF.replace("@data", ""), "no @data line"),
        (_ARFF, "no case after @data"),
        (_ARFF.replace("{x,y}", "numeric") + "1,2,3\n", "last attribute must be the class"),
        (_ARFF.replace("REAL", "string") + "1,2,x\n", "must be numeric, got 'string'"),
        (_ARFF + "1,2,3,x\n", "line 6 has 3 values, the header declares 2"),
        (_ARFF + "1,q,x\n", "line 6 holds something that is not a number"),
        (_ARFF + "x\n", "line 6 has no comma"),
        (_RELATIONAL + "'1,2\n", "must be a quoted relation"),
        (_RELATIONAL + "'1,2\\n3',x\n", "channels of different length"),
        (_RELATIONAL + "'1\\n2',x\n'1',x\n", "line 8 has 1 channels, the first case has 2"),
    ],
)
def test_wrong_arff(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_arff_cases(_file(tmp_path, text, "toy.arff"))


def test_ts_without_labels_is_embedded_but_teaches_no_classes(tmp_path: Path) -> None:
    path = tmp_path / "bare.ts"
    path.write_text("@problemName\tbare\n@classLabel false\n@data\n1,2,3:4,5,6\n7,8,9:1,2,3\n")
    plain = load_plain_series(path, kind="classification")
    np.testing.assert_array_equal(plain.series[0].values, [[1, 4], [2, 5], [3, 6]])
    with pytest.raises(DataError, match=r"bare.ts: the cases have no label"):
        load_task(path, kind="classification")


def test_ts_header_may_use_tabs(tmp_path: Path) -> None:
    path = tmp_path / "tabs.ts"
    path.write_text("@problemName\ttabs\n@classLabel\ttrue a\tb\n@data\n1,2,3:a\n7,8,9:b\n")
    assert read_ts_cases(path).labels.tolist() == ["a", "b"]


def test_npz_with_the_names_of_a_training_part(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(8, 1, 12)), np.arange(8) % 2
    np.savez(tmp_path / "set.npz", X_train=x, y_train=y, X_test=x[:4], y_test=y[:4])
    task = load_task(tmp_path / "set.npz", kind="classification")
    assert task.windows.n == 8 and task.open_test().windows.n == 4
