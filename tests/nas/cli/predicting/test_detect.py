"""`tscnas detect`: how unusual every step of new data is, with the variates behind it, or one sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compute.user_error import DATA, USAGE
from downstream.scaling import Scaled
from nas.cli import main
from nas.cli.predicting import asking
from nas.cli.predicting.detect import Event, events_of
from nas.saved.encoder import load_encoder
from tests.nas.cli.predicting.quick_search import searched

SPIKES = ((300, 303, 8.0), (400, 401, 20.0), (420, 421, 12.0))


def calm(n: int = 500) -> pd.DataFrame:
    rng, time = np.random.default_rng(0), np.arange(n)
    values = {name: level + np.sin(time / 4) + rng.normal(size=n) / 9 for name, level in (("temp", 20), ("load", 7))}
    return pd.DataFrame({"date": pd.date_range("2024-01-01", periods=n, freq="h"), **values})


def spiked() -> pd.DataFrame:
    frame = calm()
    for first, end, size in SPIKES:
        frame.loc[first : end - 1, "temp"] += size
    return frame


@dataclass(frozen=True)
class Found:
    """What the double finds in a series."""

    scores: np.ndarray
    flags: np.ndarray
    contributions: np.ndarray


class Largest:
    """A stand-in for a predictor: the score of a step is the size of its scaled values, added up."""

    threshold = 6.0
    threshold_text = "It was chosen by the test, without labels."

    def detect(self, represent: object, series: Sequence[Scaled]) -> list[Found]:
        del represent
        sizes = [np.nan_to_num(np.abs(each.values.astype(np.float64))) for each in series]
        shares = [size / size.sum(axis=1, keepdims=True) for size in sizes]
        return [
            Found(size.sum(axis=1), size.sum(axis=1) > self.threshold, share)
            for size, share in zip(sizes, shares, strict=True)
        ]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return searched(tmp_path_factory.mktemp("calm"), calm(), "--task", "anomaly")


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "load_predictor", lambda *_, **__: Largest())


@pytest.mark.usefixtures("double")
def test_every_step_is_scored_and_flagged_ones_are_explained(run: Path, answered: Callable[..., pd.DataFrame]) -> None:
    found = answered("detect", run, spiked())
    assert list(found.columns) == ["date", "score", "flag", "contributing"]
    assert list(found["date"]) == list(spiked()["date"].astype(str))
    flagged = np.flatnonzero(found["flag"])
    assert list(flagged) == [300, 301, 302, 400, 420]
    assert (found["score"][flagged] > 6.0).all() and (found["score"].drop(flagged) <= 6.0).all()
    assert found["contributing"].notna().to_numpy().nonzero()[0].tolist() == list(flagged)
    named = dict(part.split(" ") for part in found["contributing"][400].split(", "))
    assert next(iter(named)) == "temp" and sum(map(float, named.values())) == pytest.approx(1.0, abs=0.011)


@pytest.mark.usefixtures("double")
def test_the_summary(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spiked().to_csv(tmp_path / "new.csv", index=False)
    words = ("detect", run, tmp_path / "new.csv", "--output", tmp_path / "out.csv")
    assert main([*map(str, words)]) == 0
    first, second, title, *events = capsys.readouterr().out.splitlines()
    assert first == f"{tmp_path / 'out.csv'}: 500 time steps, 5 flagged in 3 events"
    assert second == "Threshold 6. It was chosen by the test, without labels."
    assert title == "Strongest events:" and len(events) == 3
    assert events[0].startswith("  2024-01-17 16:00:00: 1 step, score up to ") and "(temp 0." in events[0]
    assert events[2].startswith("  2024-01-13 12:00:00 to 2024-01-13 14:00:00: 3 steps, score up to ")


@pytest.mark.usefixtures("double")
def test_a_threshold_of_ones_own(run: Path, answered: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    found = answered("detect", run, spiked(), "--threshold", "15")
    assert (found["flag"] == (found["score"] > 15)).all() and found["flag"].sum() == 2
    assert answered("detect", run, spiked(), "--threshold", "1e9")["contributing"].isna().all()


@pytest.mark.usefixtures("double")
def test_labels_are_no_variates(run: Path, answered: Callable[..., pd.DataFrame]) -> None:
    found = answered("detect", run, spiked())
    labelled = spiked().assign(label=0, split="test")
    pd.testing.assert_frame_equal(answered("detect", run, labelled), found)
    pd.testing.assert_frame_equal(answered("detect", run, spiked().assign(is_anomaly=0)), found)
    other = spiked().assign(broken=0)
    pd.testing.assert_frame_equal(answered("detect", run, other, "--label-column", "broken"), found)
    pd.testing.assert_frame_equal(answered("detect", run, spiked()[["load", "date", "temp"]]), found)


@pytest.mark.usefixtures("double")
def test_several_series(run: Path, answered: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    both = pd.concat([spiked().assign(unique_id="7"), calm().assign(unique_id="B")], ignore_index=True)
    found = answered("detect", run, both.sample(frac=1, random_state=0).sort_values("date", kind="stable"))
    assert list(found.columns) == ["unique_id", "date", "score", "flag", "contributing"] and len(found) == 1000
    alone = answered("detect", run, both[both["unique_id"] == "7"])
    pd.testing.assert_frame_equal(found[found["unique_id"] == "7"].reset_index(drop=True), alone)
    np.savez(tmp_path / "a.npz", values=np.stack([calm()[["temp", "load"]].to_numpy().T] * 2))
    arrays = answered("detect", run, tmp_path / "a.npz")
    assert list(arrays.columns[:2]) == ["series", "step"] and list(arrays["step"]) == [*range(500)] * 2


@pytest.mark.usefixtures("double")
def test_no_name_is_a_formula(run: Path, answered: Callable[..., pd.DataFrame]) -> None:
    frame = spiked().rename(columns={"temp": "=t()", "load": "score"})
    found = answered("detect", run, frame, "--variates", "=t(),score")
    assert found["contributing"].dropna().str.startswith("'=t() ").all()


def test_wrong_runs_and_wrong_data(run: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    calm().to_csv(tmp_path / "new.csv", index=False)
    ask = (tmp_path / "new.csv", "--output", tmp_path / "no.csv")
    (tmp_path / "other").mkdir()
    replace(load_encoder(run), kind="forecasting").save(tmp_path / "other" / "encoder.safetensors")
    assert "tscnas forecast answers with it" in refused("detect", tmp_path / "other", *ask, status=USAGE)
    assert "must be a finite number" in refused("detect", run, *ask, "--threshold", "inf", status=USAGE)
    calm().drop(columns="load").to_csv(tmp_path / "new.csv", index=False)
    assert "such as 'load'" in refused("detect", run, *ask, status=DATA)


def test_events_are_runs_of_flags() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores, flags = rng.normal(size=12), rng.random(12) < 0.5
        events = events_of(3, scores, flags)
        covered = [step for event in events for step in range(event.first, event.last + 1)]
        assert covered == np.flatnonzero(flags).tolist()
        assert all(one.last + 1 < other.first for one, other in pairwise(events))
        assert all(event.score == scores[event.peak] == scores[event.first : event.last + 1].max() for event in events)
    assert events_of(0, np.asarray([1.0, 2.0]), np.asarray([True, True])) == [Event(0, 0, 1, 1, 2.0)]


def test_a_search_detects_what_was_planted(run: Path, answered: Callable[..., pd.DataFrame]) -> None:
    found = answered("detect", run, spiked())
    assert found["flag"][400] == 1 and found["contributing"][400].startswith("temp ")
    assert found["flag"][100:290].mean() < 0.1
