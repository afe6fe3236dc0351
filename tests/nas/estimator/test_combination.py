"""The estimator with a combination of encoders: as with one, and as the command line has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from downstream.task import Task
from downstream.windows import Windows
from nas import ContrastiveNAS
from nas.cli import main
from nas.estimator import contrastive_nas
from nas.representer import Representer
from nas.saved.encoder import load_encoder
from tests.nas.combinations import NAMES, combination_file, member_file


def cases(n: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.tile(["fast", "slow"], n // 2)
    phases = np.random.default_rng(n).uniform(0, 6, size=(n, 2, 1))
    return np.sin(np.arange(24) / np.where(labels == "fast", 1.0, 3.0)[:, None, None] + phases), labels


def waves(n: int) -> pd.DataFrame:
    time = np.arange(n)
    noise = np.random.default_rng(0).normal(size=(2, n)) / 9
    return pd.DataFrame({"a": np.sin(time / 4) + noise[0], "b": np.cos(time / 7) + noise[1]})


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that fits an estimator whose search hands over a combination."""

    def fitted(kind: str, names: Sequence[str], X: Any, y: Any = None) -> ContrastiveNAS:
        def search(task: Task, settings: Any, *, kept: bool) -> Any:
            result = searched(task, settings, kept=kept)
            folder = Path(settings.output)
            (folder / "encoder.safetensors").write_bytes(combination_file(task, names))
            (folder / "predictor.safetensors").unlink()
            for name in names:
                (tmp_path / f"{name}.safetensors").write_bytes(member_file(task, name))
            return result

        searched = contrastive_nas.search_task
        with monkeypatch.context() as patch:
            patch.setattr(contrastive_nas, "search_task", search)
            return ContrastiveNAS(kind, preset="minirocket", iterations=1, window=24 if y is None else None).fit(X, y)

    return fitted


@pytest.mark.parametrize("n", [2, 3, 4])
def test_it_transforms_predicts_and_is_saved(n: int, fit: Any, tmp_path: Path) -> None:
    estimator, (x, y) = fit("classification", NAMES[:n], *cases(30)), cases(16)
    assert estimator.score(x, y) > 0.8 and estimator.predict_proba(x).shape == (16, 2)
    z = estimator.transform(x)
    each = [load_encoder(tmp_path / f"{name}.safetensors") for name in NAMES[:n]]
    values = np.concatenate([case.values for case in estimator._scaled(x)])
    windows = Windows(values, np.arange(16, dtype=np.int64) * 24, 24)
    sides = [Representer(one.encoder)(windows).reshape(len(x), -1) for one in each]
    np.testing.assert_array_equal(z, np.concatenate(sides, axis=1))
    assert len(estimator.get_feature_names_out()) == z.shape[1]
    np.testing.assert_allclose(np.concatenate([estimator.transform(x[i : i + 1]) for i in range(16)]), z, atol=1e-4)
    estimator.save(tmp_path / "saved")
    loaded = ContrastiveNAS.load(tmp_path / "saved")
    assert loaded.encoder_.members == estimator.encoder_.members and len(loaded.encoder_.members) == n
    assert loaded.best_genotype_ == loaded.encoder_.members[0].genotype
    np.testing.assert_array_equal(loaded.transform(x), z)
    np.testing.assert_array_equal(loaded.predict_proba(x), estimator.predict_proba(x))


@pytest.mark.parametrize("kind", ["forecasting", "anomaly"])
def test_transform_equals_embed(kind: str, fit: Any, tmp_path: Path) -> None:
    estimator = fit(kind, NAMES, waves(260))
    estimator.save(tmp_path / "saved")
    new = waves(300)
    new.to_csv(tmp_path / "new.csv", index=False)
    words = ("embed", tmp_path / "saved", tmp_path / "new.csv", "--output", tmp_path / "z.npz", "--quiet")
    assert main([*map(str, words)]) == 0
    z = np.load(tmp_path / "z.npz")["embeddings"]
    np.testing.assert_array_equal(estimator.transform(new), z)
    np.testing.assert_array_equal(estimator.transform(new[["b", "a"]]), z)
    predicted = estimator.predict(new)
    assert predicted.shape[0] == 1 and np.isfinite(predicted).all()
    np.testing.assert_array_equal(ContrastiveNAS.load(tmp_path / "saved").predict(new), predicted)
