"""What a report keeps of the data: small, plain, and complete where it can be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from downstream.data import load_task
from nas.report.evidence.file import EVIDENCE_NAME, read_evidence, write_evidence
from nas.report.evidence.gather import evidence_of
from nas.report.evidence.map import FEWEST, map_of
from nas.report.evidence.points import Points
from tests.nas.small_sets import italy


def points(n: int) -> Points:
    rng = np.random.default_rng(0)
    near = np.arange(n) % 2
    values = rng.normal(size=(n, 40)) + 8 * near[:, None]
    return Points(values.astype(np.float32), "class", [str(one) for one in near])


def test_a_map_keeps_apart_what_is_apart() -> None:
    found = map_of(points(60))
    sides = np.arange(60) % 2 == 1
    for name in ("pca", "tsne"):
        places = np.asarray(found[name])
        assert places.shape == (60, 2) and np.isfinite(places).all()
        gap = np.linalg.norm(places[sides].mean(axis=0) - places[~sides].mean(axis=0))
        assert gap > 2 * np.linalg.norm(places[sides] - places[sides].mean(axis=0), axis=1).mean()
    first, second = found["explained"]
    assert 1 > first > 0.8 and first > second > 0 and found["texts"][:2] == ["0", "1"]
    np.testing.assert_array_equal(found["tsne"], map_of(points(60))["tsne"])


def test_the_first_directions_are_the_principal_components() -> None:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    some = points(30)
    model = PCA(2).fit(StandardScaler().fit_transform(some.values.astype(np.float64)))
    np.testing.assert_allclose(map_of(some)["explained"], model.explained_variance_ratio_, rtol=1e-6)


def test_too_few_points_or_equal_ones_have_no_map() -> None:
    assert map_of(points(FEWEST - 1)) == {}
    assert map_of(Points(np.ones((20, 3), dtype=np.float32), "", [])) == {}
    line = np.outer(np.arange(20.0), np.ones(3)).astype(np.float32)
    assert np.isfinite(np.asarray(map_of(Points(line, "", []))["pca"])).all()


def test_the_file_is_plain_json_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    content = {"map": {"pca": np.asarray([[1 / 3, np.nan]]), 1: np.float32(2)}, "n": (np.int64(3), True, None, "x")}
    write_evidence(tmp_path, content)
    expected = {"schema": 1, "map": {"pca": [[0.33333, None]], "1": 2.0}, "n": [3, True, None, "x"]}
    assert json.loads((tmp_path / EVIDENCE_NAME).read_text()) == expected == read_evidence(tmp_path)
    for damaged in ("{", "[]", '{"schema": 99}'):
        (tmp_path / EVIDENCE_NAME).write_text(damaged)
        assert read_evidence(tmp_path) == {}
    assert read_evidence(tmp_path / "nowhere") == {}


def test_a_run_keeps_its_map_and_its_mistakes(run: Path) -> None:
    found = read_evidence(run)
    assert found["notes"] == [] and len(found["map"]["tsne"]) == 67 and {*found["map"]["texts"]} == {"1", "2"}
    facts = json.loads((run / "run.json").read_text())
    right = np.trace(np.asarray(found["examples"]["counts"])) / np.sum(found["examples"]["counts"])
    assert abs(right - facts["rows"][0]["metrics"]["accuracy/ridge"]) < 1e-9  # the same probe on the same cases
    assert (run / EVIDENCE_NAME).stat().st_size < 100_000


def test_a_part_that_cannot_be_made_says_why_and_leaves_the_others(run: Path) -> None:
    task = load_task(str(italy()), kind="classification")
    files = {"encoder": run / "encoder.safetensors", "predictor": run / "predictor.safetensors"}
    found = evidence_of(task, "no test part at all", **files, device="cpu")
    assert found["examples"] == {} and found["map"]["word"] == "class"
    assert len(found["notes"]) == 1 and found["notes"][0].startswith("predictions beside the truth: left out (")
    assert evidence_of(task, None, **files, device="cpu")["notes"] == []
