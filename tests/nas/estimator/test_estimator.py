"""The estimator keeps scikit-learn's promises and gives the same results after saving and loading."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_outlier_detector, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, r2_score

from downstream.errors import DataError
from nas import net
from nas.choosing.space_file import named_space
from nas.errors import NothingTrainedError, OptionError, OutputExistsError
from nas.estimator import ContrastiveNAS
from nas.estimator.parameters import plain_parameters
from nas.estimator.reading import task_to_fit
from nas.saved.tensor_file import SavedEncoderError
from search_space import read_space


def two_tones(n: int, *, rng_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy sines of two periods, (n, 2, 30), and the names of their periods."""
    rng = np.random.default_rng(rng_seed)
    slow = np.arange(n) % 2 == 0
    phase = rng.uniform(0, 6, size=(n, 1, 1))
    x = np.sin(np.arange(30) / np.where(slow, 4.0, 1.5)[:, None, None] + phase + np.asarray([0.0, 1.0])[:, None])
    return x + 0.2 * rng.normal(size=x.shape), np.where(slow, "slow", "fast")


def quick(kind: str = "classification", **changes: object) -> ContrastiveNAS:
    return ContrastiveNAS(kind, **{"preset": "simclr", "iterations": 4, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted() -> ContrastiveNAS:
    return quick().fit(*two_tones(40, rng_seed=0))


def test_classification_learns_and_transforms(fitted: ContrastiveNAS) -> None:
    x, y = two_tones(30, rng_seed=1)
    assert fitted.score(x, y) > 0.8
    assert set(fitted.predict(x)) <= {"slow", "fast"}
    assert list(fitted.classes_) == ["fast", "slow"]
    z = fitted.transform(x)
    assert z.shape[0] == 30 and np.isfinite(z).all()
    assert fitted.best_genotype_.key == fitted.ranking_["genotype"][0]
    assert {"chosen", "untrained encoder"} <= set(fitted.scores_)


def test_cases_of_unequal_length_are_represented_each_on_its_own(fitted: ContrastiveNAS) -> None:
    x, _ = two_tones(3, rng_seed=2)
    ragged = [x[0], x[1, :, :20], x[2]]
    together = fitted.transform(ragged)
    assert together == pytest.approx(np.concatenate([fitted.transform([one]) for one in ragged]), abs=1e-5)


def test_saved_and_loaded_estimators_agree(fitted: ContrastiveNAS, tmp_path: Path) -> None:
    x, _ = two_tones(10, rng_seed=3)
    fitted.save(tmp_path / "saved")
    loaded = ContrastiveNAS.load(tmp_path / "saved")
    assert np.array_equal(loaded.transform(x), fitted.transform(x))
    assert np.array_equal(loaded.predict(x), fitted.predict(x))
    assert loaded.get_params() == fitted.get_params()


@pytest.mark.parametrize("form", ["path", "mapping", "space"])
def test_a_space_of_ones_own(form: str, tmp_path: Path) -> None:
    cells = {"EncoderCell": {"operators": ["conv1d"], "nodes": [2]}, "AugCell1": {"lengths": [1]}}
    space = read_space(cells)
    (tmp_path / "space.json").write_text(json.dumps(cells))
    given = {"path": tmp_path / "space.json", "mapping": cells, "space": space}[form]
    x, y = two_tones(24, rng_seed=0)
    estimator = clone(quick(preset=None, space=given, candidates=30, top_k=1))
    assert estimator.get_params()["space"] == given
    estimator.fit(x, y)
    assert "Space: " in estimator.result_text_
    estimator.save(tmp_path / "saved")
    loaded = ContrastiveNAS.load(tmp_path / "saved")
    assert (loaded.predict(x) == estimator.predict(x)).all() and named_space(loaded.space) == space
    with pytest.raises(OptionError, match="unknown space 'ful'"):
        quick(space="ful").fit(x, y)


def test_saving_never_overwrites_something_else(fitted: ContrastiveNAS, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="other files"):
        fitted.save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_loading_something_else_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SavedEncoderError, match="no saved encoder"):
        ContrastiveNAS.load(tmp_path)


def test_it_is_a_scikit_learn_estimator() -> None:
    estimator = quick(horizons=(4,))
    assert clone(estimator).get_params() == estimator.get_params()
    with pytest.raises(NotFittedError):
        estimator.transform(np.zeros((1, 1, 8)))


def test_scikit_learn_knows_what_kind_it_is() -> None:
    assert is_classifier(quick()) and not is_regressor(quick())
    assert is_regressor(quick("regression")) and not is_classifier(quick("regression"))
    assert not is_regressor(quick("forecasting")) and not is_classifier(quick("anomaly"))


def test_regression_predicts_in_the_unit_of_the_target(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    level = rng.normal(size=70)
    x = 0.3 * rng.normal(size=(70, 1, 30)) + level[:, None, None]
    y = 1e4 + 250.0 * level
    estimator = quick("regression").fit(x[:50], y[:50])
    predicted = estimator.predict(x[50:])
    assert predicted.shape == (20,) and predicted.dtype == np.float64
    assert np.abs(predicted - y[50:]).mean() < 100
    assert estimator.score(x[50:], y[50:]) == pytest.approx(r2_score(y[50:], predicted))
    assert r2_score(y[50:], predicted) > 0.8
    assert not hasattr(estimator, "classes_")
    np.testing.assert_array_equal(estimator.predict(x[50:, 0]), predicted)  # (cases, timepoints): one channel
    estimator.save(tmp_path / "saved")
    np.testing.assert_array_equal(ContrastiveNAS.load(tmp_path / "saved").predict(x[50:]), predicted)
    with pytest.raises(DataError, match="labels"):
        quick("regression").fit(x)


def test_the_test_part_beside_a_path_takes_no_part_in_fitting() -> None:
    italy = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"
    plain = plain_parameters(quick().get_params())
    task = task_to_fit(italy, None, plain)
    assert task.training_windows().n == 67 and task.has_test
    arrays = task_to_fit(*two_tones(12, rng_seed=0), plain)
    assert arrays.training_windows().n == 12 and not arrays.has_test


def test_classification_needs_labels() -> None:
    with pytest.raises(DataError, match="labels"):
        quick().fit(np.zeros((4, 1, 8)))


def test_forecasting_continues_each_variate_in_its_own_unit() -> None:
    time = np.arange(600)
    frame = pd.DataFrame({"a": 100 + 10 * np.sin(time / 5), "b": 5 * np.cos(time / 7)})
    estimator = quick("forecasting", window=24, horizons=(12,)).fit(frame.iloc[:560])
    predicted = estimator.predict(frame.iloc[:560])
    truth = frame.iloc[560:572].to_numpy().T[None]
    assert predicted.shape == (1, 2, 12)
    assert np.abs(predicted - truth).max() < 2.0
    assert estimator.score(frame.iloc[:560], truth) == pytest.approx(-float(((predicted - truth) ** 2).mean()))


def test_anomaly_detection_flags_a_planted_spike() -> None:
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(800) / 6) + 0.05 * rng.normal(size=800)
    estimator = quick("anomaly", window=16).fit(pd.DataFrame({"value": values}))
    spiked = values.copy()
    spiked[600:604] += 6.0
    flags = estimator.predict(pd.DataFrame({"value": spiked})) == -1
    assert flags.shape == (1, 800)
    assert flags[0, 600:606].any()
    assert flags[0, 100:500].mean() < 0.1
    labels = np.zeros(800, dtype=int)
    labels[600:604] = 1
    assert estimator.score(pd.DataFrame({"value": spiked}), labels) > 0.05


def test_texts_name_nothing_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fitted: ContrastiveNAS
) -> None:
    for word in ("contrastive-nas-", "seed task", "official", "tscnas"):
        assert word not in fitted.result_text_
    kept = quick(output=tmp_path / "run").fit(*two_tones(12, rng_seed=0))
    assert f"Everything is in {tmp_path / 'run'}" in kept.result_text_ and (tmp_path / "run" / "log.txt").is_file()

    def diverge(*_: object, **__: object) -> None:
        raise FloatingPointError("not finite")

    monkeypatch.setattr(net, "validate", diverge)
    with pytest.raises(
        NothingTrainedError, match=r"none of 2 candidates could be trained: 2 diverged .not finite.$"
    ) as caught:
        quick().fit(*two_tones(12, rng_seed=0))
    assert "log" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        ([3, 7], "int64"),
        ([4.0, 1.0], "float64"),
        ([False, True], "bool"),
        (["001", "NA"], "<U3"),
        (["None", "1e3"], "object"),
        ([250, 4], "uint8"),
    ],
)
def test_classes_come_back_as_they_came(labels: list[object], dtype: str, tmp_path: Path) -> None:
    x, y = two_tones(16, rng_seed=0)
    known = np.asarray(labels, dtype=dtype)[(y == "slow").astype(int)]
    estimator = quick().fit(x, pd.Series(known).astype("category") if dtype == "int64" else known)
    estimator.save(tmp_path / "saved")
    for model in (estimator, ContrastiveNAS.load(tmp_path / "saved")):
        assert model.classes_.dtype == np.dtype(dtype) and sorted(model.classes_) == sorted(labels)  # type: ignore[type-var]
        predicted = model.predict(x)
        assert predicted.dtype == np.dtype(dtype)
        assert accuracy_score(known, predicted) == model.score(x, known) > 0.8
        np.testing.assert_array_equal(model.classes_[model.predict_proba(x).argmax(axis=1)], predicted)
        np.testing.assert_array_equal(model.classes_[(model.decision_function(x) > 0).astype(int)], predicted)
        np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1.0)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, "", "nan", "?", float("inf")])
def test_a_missing_class_is_refused(missing: object) -> None:
    x, y = two_tones(8, rng_seed=0)
    known = y.astype(object) if isinstance(missing, str) or missing is None or missing is pd.NA else np.arange(8.0)
    known[3] = missing
    with pytest.raises(DataError, match="label of case 3 is missing"):
        quick().fit(x, known)


def test_names_of_scikit_learn(fitted: ContrastiveNAS) -> None:
    x, y = two_tones(12, rng_seed=1)
    assert is_classifier(fitted) and is_regressor(quick("regression")) and is_outlier_detector(quick("anomaly"))
    assert not hasattr(quick("regression"), "predict_proba") and not hasattr(quick("forecasting"), "decision_function")
    assert hasattr(quick("anomaly"), "decision_function")
    frame = clone(fitted).set_output(transform="pandas").fit_transform(x, y)
    assert list(frame.columns) == list(fitted.get_feature_names_out()) and len(frame) == 12
    one, two = (quick(rng_seed=seed, random_state=state).fit(x, y).transform(x) for seed, state in ((5, None), (0, 5)))
    np.testing.assert_array_equal(one, two)
    quick(random_state=np.random.RandomState(0)).fit(x, y)


def test_tables_may_be_written_in_other_ways(tmp_path: Path) -> None:
    wave = np.sin(np.arange(200) / 5)
    lines = [
        f"{stamp:%d.%m.%Y %H:%M};{str(round(v, 4)).replace('.', ',')}"
        for stamp, v in zip(pd.date_range("2024-01-01", periods=200, freq="h"), wave, strict=True)
    ]
    (tmp_path / "bare.csv").write_text("\n".join(lines) + "\n")
    form = {"no_header": True, "separator": ";", "decimal": ",", "date_format": "%d.%m.%Y %H:%M"}
    model = quick("forecasting", window=24, horizons=4, table_form=form).fit(tmp_path / "bare.csv")
    model.save(tmp_path / "saved")
    for each in (model, ContrastiveNAS.load(tmp_path / "saved")):
        np.testing.assert_allclose(each.predict(tmp_path / "bare.csv")[0, 0], np.sin(np.arange(200, 204) / 5), atol=0.2)
    with pytest.raises(OptionError, match="table_form: must be a mapping with any of date_format"):
        quick(table_form={"header": False}).fit(tmp_path / "bare.csv")


def test_anomaly_detection_learns_from_all_rows_and_their_labels() -> None:
    values = np.sin(np.arange(400) / 6) + 0.05 * np.random.default_rng(0).normal(size=400)
    values[350:360] += 3.0
    labels = np.zeros(400, dtype=int)
    labels[350:360] = 1
    plain = plain_parameters(quick("anomaly", window=16).get_params())
    task = task_to_fit(values[None, None], labels, plain)
    assert len(task.series[0]) == 400 and not task.has_test
    assert "validation by real labels" in task.spec.protocol
    assert "planted" in task_to_fit(values[None, None], None, plain).spec.protocol
