"""Cases from tables and folders: whatever form and order they come in, the same model and the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from downstream.errors import DataWarning
from nas import ContrastiveNAS

STEPS = 16
pytestmark = pytest.mark.filterwarnings("ignore::downstream.errors.DataWarning")


def frames(n: int = 16) -> dict[str, pd.DataFrame]:
    """Cases by name, with the channels y and x; the class is the first letter."""
    rng = np.random.default_rng(0)
    found = {}
    for number in range(n):
        wave = np.sin(np.arange(STEPS - number % 3) * (1 + number % 2) / 2 + rng.uniform(0, 6))
        noise = 0.2 * rng.normal(size=(2, len(wave)))
        found[f"{'uv'[number % 2]}{number}"] = pd.DataFrame({"y": wave + noise[0], "x": 50 * wave + noise[1]})
    return found


def long(*, target: bool = False) -> pd.DataFrame:
    parts = {
        name: frame.assign(label=len(frame) / 4 if target else name[0], step=np.arange(len(frame)))
        for name, frame in frames().items()
    }
    return pd.concat(parts, names=["case", None]).reset_index(level=0).reset_index(drop=True)


def mixed(frame: pd.DataFrame, rng_seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(rng_seed)
    return frame.iloc[rng.permutation(len(frame)), rng.permutation(frame.shape[1])]


def fitted(source: Any, kind: str = "classification") -> ContrastiveNAS:
    form = {"table": "long"} if not Path(str(source)).is_dir() else None
    model = ContrastiveNAS(kind, preset="ts2vec", iterations=2, workers=1, table_form=form)
    return model.fit(source)


def folders(top: Path) -> Path:
    for name, frame in frames().items():
        (top / name[0]).mkdir(parents=True, exist_ok=True)
        frame.sample(frac=1, axis=1, random_state=len(name)).to_csv(top / name[0] / f"{name}.csv", index=False)
    return top


def by_name(model: ContrastiveNAS, source: Any) -> pd.Series:
    """Return the probability of a class by the names of the cases."""
    names = model.set_output(transform="pandas").transform(source).index
    return pd.Series(model.predict_proba(source)[:, 0], index=[name.removesuffix(".csv") for name in names])


def test_forms_and_orders_give_the_same_answers(tmp_path: Path) -> None:
    long().to_csv(tmp_path / "a.csv", index=False)
    mixed(long()).to_csv(tmp_path / "b.csv", index=False)
    folders(tmp_path / "c")
    first = by_name(fitted(tmp_path / "a.csv"), tmp_path / "a.csv")
    assert sorted(first.index) == sorted(frames()) and first.nunique() > 8
    for name in ("b.csv", "c"):
        model = fitted(tmp_path / name)
        assert list(model.classes_) == ["u", "v"]
        pd.testing.assert_series_equal(by_name(model, tmp_path / name)[first.index], first, rtol=1e-5)
    unlabelled = mixed(long(), rng_seed=2).drop(columns="label")
    pd.testing.assert_series_equal(
        by_name(model.set_params(table_form={"table": "long"}), unlabelled)[first.index], first
    )
    one = by_name(model.set_params(table_form=None), tmp_path / "c" / "u" / "u4.csv")
    assert list(one.index) == ["u4"] and one["u4"] == pytest.approx(first["u4"], rel=1e-4)


def test_regression_reads_them_too(tmp_path: Path) -> None:
    long(target=True).to_csv(tmp_path / "a.csv", index=False)
    mixed(long(target=True)).to_csv(tmp_path / "b.csv", index=False)
    model, other = (fitted(tmp_path / name, "regression") for name in ("a.csv", "b.csv"))
    np.testing.assert_allclose(model.predict(tmp_path / "a.csv"), other.predict(tmp_path / "a.csv"), rtol=1e-5)


def test_what_a_row_is_may_be_left_to_the_rule_and_is_told() -> None:
    with pytest.warns(DataWarning, match="rows with the same 'case' are taken as the steps of one case"):
        model = ContrastiveNAS(preset="ts2vec", iterations=2, workers=1).fit(long())
    assert model.encoder_.identity.columns == ("x", "y")
