"""Classification scores: folds, honesty on noise, and probes on a rule that is known."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifier as SklearnRidge
from sklearn.preprocessing import StandardScaler

from downstream.cases import features
from downstream.cases.task import LabelledWindows
from downstream.classification import scoring as classification
from downstream.classification.baselines import BASELINES
from downstream.classification.labels import ClassLabels
from downstream.classification.probes import PROBES
from downstream.classification.task import ClassificationTask
from downstream.evaluation import linear_only
from downstream.probes.penalties import NoEndError
from downstream.represent import flatten_streams
from downstream.scaling import Scaler
from downstream.task import Sealed, TaskSpec
from downstream.windows import Windows

Integers = NDArray[np.int64]


def cases(values: NDArray[np.floating]) -> Windows:
    """One window per case, from (n, length, variates)."""
    n, length, variates = values.shape
    return Windows(values.reshape(-1, variates).astype(np.float32), np.arange(n, dtype=np.int64) * length, length)


def make_task(
    n: int = 60, *, n_classes: int = 3, signal: float = 1.5, n_test: int = 90, length: int = 20
) -> ClassificationTask:
    """Noise around a level that gives the class."""
    rng = np.random.default_rng(0)
    labels = np.arange(n + n_test, dtype=np.int64) % n_classes
    values = rng.normal(size=(n + n_test, length, 2))
    values[..., 0] += signal * labels[:, None]
    return ClassificationTask(
        spec=TaskSpec("toy", "classification", length, (), 1, "accuracy", True, "toy", "default split"),
        variates=("a", "b"),
        hash="0" * 16,
        sealed=Sealed(LabelledWindows(cases(values[n:]), labels[n:])),
        windows=cases(values[:n]),
        labels=labels[:n],
        class_labels=ClassLabels(np.asarray(list("abcdefghij"[:n_classes]))),
        scaler=Scaler(np.zeros((1, 2)), np.ones((1, 2)), n_rows_seen=n * length),
    )


@pytest.mark.parametrize(("n", "told"), [(6, False), (9, False), (12, True), (60, True)])
def test_folds_tell_where_they_know_three_cases_of_a_class(n: int, told: bool) -> None:
    assert classification.folds_tell(make_task(n)) is told


def test_folds_of_the_user_tell_too() -> None:
    task = make_task(12)
    assert not classification.folds_tell(replace(task, folds=(np.arange(12) % 2,)))


def level(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
    """The mean and the deviation of each variate."""
    x = windows.gather()
    return np.stack([x.mean(axis=1), x.std(axis=1)], axis=2)


@pytest.mark.parametrize("sizes", [(10, 10), (3, 40), (1, 9), (7, 6, 5)])
def test_folds_are_stratified_and_even(sizes: tuple[int, ...]) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    folds = classification.stratified_folds(labels, rng=np.random.default_rng(0))
    n_folds = int(np.clip(min(sizes), 2, 5))
    assert set(folds) == set(range(n_folds))
    for label, size in enumerate(sizes):
        counts = np.bincount(folds[labels == label], minlength=n_folds)
        assert counts.max() - counts.min() <= 1
        assert counts.sum() == size
    assert np.ptp(np.bincount(folds)) <= 1


def test_validate_equals_a_loop_over_the_folds() -> None:
    task = make_task(60)
    score = classification.validate(task, level, rng_seed=3)
    rng, x, hits, balanced = np.random.default_rng(3), level(task.windows).reshape(60, -1), [], []
    for _ in range(4):
        folds = classification.stratified_folds(task.labels, rng=rng)
        for fold in range(5):
            held_out = folds == fold
            scaler = StandardScaler().fit(x[~held_out])
            # The penalty hardly matters for four features and 48 cases.
            model = SklearnRidge(alpha=1.0).fit(scaler.transform(x[~held_out]), task.labels[~held_out])
            right = model.predict(scaler.transform(x[held_out])) == task.labels[held_out]
            hits.extend(right)
            balanced.append(right.mean())
    assert score.details["n_cases"] == 240
    assert score.details["n_repeats"] == 4
    assert score.value == pytest.approx(np.mean(hits), abs=0.03)
    assert score.details["balanced_accuracy"] == pytest.approx(score.value)  # classes are of equal size
    assert score.higher_is_better


def test_validate_is_at_chance_without_information() -> None:
    task = make_task(200, n_classes=2, signal=0.0)

    def wide_noise(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        return np.random.default_rng(1).normal(size=(windows.n, 2, 300)).astype(np.float32)

    assert classification.validate(task, wide_noise).value == pytest.approx(0.5, abs=0.1)


def test_validate_survives_classes_with_one_case() -> None:
    task = make_task(30)
    labels = task.labels.copy()
    labels[0] = 9
    lonely = ClassificationTask(**{**vars(task), "labels": labels})
    score = classification.validate(lonely, level)
    assert 0.5 < score.value <= 29 / 30
    pair = ClassificationTask(**{**vars(task), "labels": np.array([0, 1]), "windows": task.windows.subset([0, 1])})
    # Each fold holds one of the two classes, so its probe knows the other one only.
    assert classification.validate(pair, level).value == 0.0


def test_validate_is_fast() -> None:
    task = make_task(1000, n_classes=10)
    z = np.random.default_rng(0).normal(size=(1000, 1, 256)).astype(np.float32)
    started = time.process_time()
    classification.validate(task, lambda windows, mask_last=False: z)
    assert time.process_time() - started < 1.5


def test_test_reports_every_probe_and_the_number_of_cases() -> None:
    task = make_task()
    opened = task.open_test()
    scores = classification.score_test(task, opened, level)
    for probe in ("logistic", "svm", "knn"):
        assert scores.metrics[f"accuracy/{probe}"] > 0.85
        assert scores.metrics[f"macro_f1/{probe}"] > 0.85
    # One-against-rest on a line: the middle class has no half-space of its own, so the ridge is the weakest.
    assert 0.7 < scores.metrics["accuracy/ridge"] < scores.metrics["accuracy/svm"]
    for probe in ("logistic", "svm"):
        assert scores.metrics[f"auprc/{probe}"] > 0.95
    assert scores.value == scores.metrics["accuracy/ridge"]
    assert scores.protocol["n_windows"] == 90
    assert scores.protocol["scaler_rows"] == 1200


def test_a_probe_that_is_not_wanted_or_has_no_end_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task()
    opened, linear = task.open_test(), linear_only(task)
    scores = classification.score_test(linear, opened, level)
    assert "accuracy/logistic" in scores.metrics and "accuracy/svm" not in scores.metrics
    assert scores.settings["svm"] == "left out, as asked"
    assert linear.hash == task.hash  # trials are the same ones

    def endless(*_: object, **__: object) -> None:
        raise NoEndError("the fit came to no end in 7 s")

    for name in ("svm", "logistic"):
        monkeypatch.setitem(PROBES, name, endless)
    scores = classification.score_test(task, opened, level)
    assert set(scores.metrics) >= {"accuracy/ridge", "accuracy/knn"} and "accuracy/logistic" not in scores.metrics
    assert scores.settings["logistic"] == "left out: the fit came to no end in 7 s"


def test_two_classes_and_a_class_unseen_in_training_have_rows_too() -> None:
    task = make_task(40, n_classes=2, n_test=20)
    opened = task.open_test()
    assert classification.score_test(task, opened, level).metrics["auprc/svm"] > 0.9
    labels = opened.labels.copy()
    labels[0] = 5
    unseen = classification.score_test(task, LabelledWindows(opened.windows, labels), level)
    assert unseen.metrics["accuracy/svm"] <= 19 / 20
    assert unseen.metrics["auprc/svm"] < 0.9


def test_many_streams_are_averaged_and_few_are_kept() -> None:
    z = np.random.default_rng(0).normal(size=(3, 4, 5))
    np.testing.assert_array_equal(flatten_streams(z), z.reshape(3, 20))
    np.testing.assert_allclose(flatten_streams(z, limit=19), z.mean(axis=1))


def test_without_aeon_the_raw_series_baseline_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    task = make_task()
    opened = task.open_test()
    found = BASELINES(task, opened)
    assert set(found) == {"raw_series"}
    assert found["raw_series"].metrics["accuracy/logistic"] > 0.8
    assert found["raw_series"].protocol["n_windows"] == 90


def test_raw_features_fit_shorter_and_longer_test_cases() -> None:
    values = np.arange(24.0).reshape(2, 6, 2)
    x, new = features.raw_features(cases(values), cases(values[:, :4]))
    assert x.shape == new.shape == (2, 12)
    np.testing.assert_array_equal(new[:, :8], x[:, :8])
    assert not new[:, 8:].any()
    assert features.RawValues.of(cases(values), limit=6)(cases(values)).shape == (2, 1, 6)


@pytest.mark.slow
def test_minirocket_finds_a_frequency(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aeon", reason="the extra `data` is not installed")
    rng = np.random.default_rng(0)
    labels = np.arange(80, dtype=np.int64) % 2
    phase = rng.uniform(0, 6, size=(80, 1))
    values = np.sin(np.arange(40) * np.where(labels, 0.5, 0.9)[:, None] + phase) + 0.3 * rng.normal(size=(80, 40))
    task = make_task(40, n_classes=2, n_test=40, length=40)
    task = ClassificationTask(**{**vars(task), "windows": cases(values[:40, :, None]), "labels": labels[:40]})
    # Compiling its kernels takes half a minute. Test cases shorter than the training cases are padded, not refused.
    opened = LabelledWindows(cases(values[40:, :36, None]), labels[40:])
    whole = features.minirocket(task.windows, opened.windows, rng_seed=0)
    assert whole is not None
    monkeypatch.setattr(features, "VALUES_AT_A_TIME", 7 * 40)
    blocks = features.minirocket(task.windows, opened.windows, rng_seed=0)
    assert blocks is not None and all(np.array_equal(a, b) for a, b in zip(whole, blocks, strict=True))
    assert BASELINES(task, opened)["minirocket"].value > 0.9
    assert torch.get_num_threads() == 1  # as the session has set it, whatever numba wants
