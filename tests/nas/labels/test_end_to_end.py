"""Supervised relatives: what the head sees and gives back, what is kept, and where they are tested."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from downstream import evaluation
from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask, Origins
from nas.cli.encoders import evaluate as verb
from nas.cli.program import main
from nas.errors import NothingTrainedError, OptionError
from nas.labels.end_to_end import LinearForecaster, train_supervised
from nas.labels.fit import PATIENCE, learning_rate_share, predict
from nas.labels.forecasting import ForecastSupervision
from nas.labels.relatives.table import Relative
from nas.options.using.encoders import EvaluateOptions
from search_space.genotype import EncoderCell

CELL = EncoderCell(
    edges=((0, "conv1d"),),
    blocks=1,
    hidden=8,
    output=8,
    dropout=0.1,
    normalization="last",
    channels="independent",
    readout="last",
)


def table(n_rows: int = 600, *, missing: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    time = np.arange(n_rows)
    values = np.stack([np.sin(time / 4), np.cos(time / 7)], axis=1) + 0.1 * rng.normal(size=(n_rows, 2))
    if missing:
        values[rng.random(values.shape) < 0.1] = np.nan
    return pd.DataFrame(values, columns=["a", "b"])


def load(frame: pd.DataFrame | None = None) -> ForecastingTask:
    task = load_task(table() if frame is None else frame, kind="forecasting", name="waves", window=24, horizons=(3, 8))
    assert isinstance(task, ForecastingTask)
    return task


def small(cell: EncoderCell, *, variates: int = 3, n_targets: int = 2) -> LinearForecaster:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LinearForecaster(cell, variates=variates, n_targets=n_targets, window=24, horizon=5).eval()


@pytest.mark.parametrize("channels", ["independent", "mixed"])
@pytest.mark.parametrize("normalization", ["last", "instance"])
def test_what_the_normalisation_took_away_comes_back(normalization: str, channels: str) -> None:
    model = small(replace(CELL, normalization=normalization, channels=channels))
    x = torch.randn(4, 24, 3, generator=torch.Generator().manual_seed(1))
    shift = torch.tensor([5.0, -2.0, 1.0])
    scale = 3.0 if normalization == "instance" else 1.0
    with torch.no_grad():
        torch.testing.assert_close(model(scale * x + shift), scale * model(x) + shift[:2], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("channels", ["independent", "mixed"])
def test_the_head_sees_every_step_and_forecasts_the_targets_only(channels: str) -> None:
    model = small(replace(CELL, normalization="none", channels=channels))
    x = torch.randn(1, 24, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    forecasts = model(x)
    assert forecasts.shape == (1, 5, 2)
    (gradient,) = torch.autograd.grad(forecasts[0, 4, 0], x)
    assert bool((gradient[0, :, 0] != 0).all())


def test_independent_variates_share_the_head() -> None:
    model = small(CELL)
    x = torch.randn(2, 24, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(model(x[:, :, [1, 0, 2]]), model(x)[:, :, [1, 0]])


def test_many_latents_are_narrowed_before_the_head() -> None:
    model = LinearForecaster(replace(CELL, output=64), variates=1, n_targets=1, window=128, horizon=5)
    assert model.over_time.in_features == 128 * 32


@pytest.mark.parametrize("channels", ["independent", "mixed"])
def test_it_learns_what_the_rows_say(channels: str) -> None:
    task = load()
    opened, closed = task.open_test(), task.without_test()
    forecaster = train_supervised(replace(CELL, channels=channels, dropout=0.0), closed, iterations=150)
    repeat_last = evaluation.baselines(closed, opened)["repeat_last"]
    scores = forecaster.score_test(closed, opened)
    assert scores.value < 0.5 * repeat_last.value
    assert forecaster.fit.curve[0].iteration == 0 and forecaster.fit.best.iteration > 0


def test_the_same_rng_seed_gives_the_same_bits_and_another_one_does_not() -> None:
    task = load().without_test()
    before = torch.random.get_rng_state()
    first, again, other = (train_supervised(CELL, task, iterations=6, rng_seed=rng_seed) for rng_seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.fit.curve == again.fit.curve and first.fit.curve != other.fit.curve
    windows = task.windows_at(task.origins("validation", 8))
    assert np.array_equal(predict(first.model, windows), predict(again.model, windows))


def test_the_best_point_is_kept() -> None:
    task = load().without_test()
    forecaster = train_supervised(CELL, task, iterations=40, learning_rate=0.3)
    supervision = ForecastSupervision(task, device=torch.device("cpu"))
    outputs = predict(forecaster.model, supervision.held_out)
    best = min(point.scores for point in forecaster.fit.curve)
    assert supervision.errors(outputs) == best == forecaster.fit.best.scores


def test_training_stops_when_validation_no_longer_improves() -> None:
    forecaster = train_supervised(CELL, load().without_test(), iterations=200, learning_rate=1e-12)
    curve = forecaster.fit.curve
    assert forecaster.fit.status == "stopped early"
    assert len(curve) - 1 - curve.index(forecaster.fit.best) == PATIENCE


def test_a_step_too_large_ends_the_training_and_keeps_what_there_is() -> None:
    forecaster = train_supervised(CELL, load().without_test(), iterations=40, learning_rate=1e30)
    assert forecaster.fit.status == "diverged" and forecaster.fit.best.iteration < 40
    assert np.isfinite(forecaster.fit.best.scores).all()


def test_a_model_that_is_not_finite_from_the_start_is_no_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LinearForecaster, "forward", lambda self, x: x[:, :8] * float("nan"))
    with pytest.raises(NothingTrainedError, match=r"waves: .* not finite"):
        train_supervised(CELL, load().without_test(), iterations=2)


@pytest.mark.parametrize("missing", [False, True])
def test_scores_are_those_of_a_loop_over_the_test_origins(missing: bool) -> None:
    task = load(table(missing=missing))
    opened, closed = task.open_test(), task.without_test()
    forecaster = train_supervised(CELL, closed, iterations=3)
    scores = forecaster.score_test(closed, opened)
    for horizon in (3, 8):
        origins = opened.origins("test", horizon)
        errors = []
        for at in range(len(origins.step)):
            one = Origins(origins.series[at : at + 1], origins.step[at : at + 1])
            errors.append(
                predict(forecaster.model, opened.windows_at(one))[0, :horizon] - opened.targets_at(one, horizon)[0]
            )
        assert scores.metrics[f"mse/{horizon}"] == pytest.approx(np.nanmean(np.square(errors)), rel=1e-4)
        assert scores.metrics[f"mae/{horizon}"] == pytest.approx(np.nanmean(np.abs(errors)), rel=1e-4)
    ridge = evaluation.baselines(closed, opened)["raw_lag_ridge"]
    assert all(scores.protocol[f"n_windows/{horizon}"] == ridge.protocol[f"n_windows/{horizon}"] for horizon in (3, 8))


def test_poisoned_test_rows_change_no_weight() -> None:
    poisoned = table()
    poisoned.iloc[-60:] = 1e6
    one, other = (train_supervised(CELL, load(frame), iterations=4) for frame in (table(), poisoned))
    assert all(torch.equal(a, b) for a, b in zip(one.fit.weights.values(), other.fit.weights.values(), strict=True))


def test_the_learning_rate_rises_and_falls() -> None:
    shares = [learning_rate_share(step, iterations=100) for step in range(100)]
    assert shares.index(max(shares)) == 9 and max(shares) == 1.0
    assert all(a < b for a, b in itertools.pairwise(shares[:10]))
    assert all(a >= b for a, b in itertools.pairwise(shares[10:])) and 0 < shares[-1] < 0.01


@pytest.fixture
def with_small_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "relative", lambda name: Relative(CELL, source="", differs=""))


@pytest.mark.usefixtures("with_small_encoder")
def test_the_row_stands_beside_the_plain_baselines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[ForecastingTask] = []
    open_test: Callable[[ForecastingTask], ForecastingTask] = ForecastingTask.open_test
    monkeypatch.setattr(ForecastingTask, "open_test", lambda self: opened.append(self) or open_test(self))
    table().to_csv(tmp_path / "waves.csv", index=False)
    words = ["--baseline", "patchtst", "--window", "24", "--horizons", "3,8", "--iterations", "4", "--quiet"]
    assert main(["evaluate", str(tmp_path / "waves.csv"), *words, "--output", str(tmp_path / "scores.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    smoothing = ["exponential_smoothing"] * (find_spec("statsmodels") is not None)
    plain = ["raw_lag_ridge", "raw_lag_ridge_same_window", "plain_combination"]
    names = ["patchtst, trained end to end", "repeat_last", "seasonal_naive", *smoothing, *plain]
    assert all(line.startswith(name) for line, name in zip(lines[1:], names, strict=True))
    assert len(opened) == 1 and (tmp_path / "scores.json").is_file()


def test_the_data_is_the_only_positional_of_a_baseline() -> None:
    options = EvaluateOptions("waves.csv", baseline="dlinear")
    assert (options.encoder, options.data) == (None, "waves.csv")
    assert options == EvaluateOptions(data="waves.csv", baseline="dlinear")
    assert EvaluateOptions("run", "waves.csv").encoder == "run"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "missing: ENCODER, DATA"),
        ({"encoder": "run"}, "missing: DATA"),
        ({"data": "d.csv"}, "missing: ENCODER"),
        ({"baseline": "dlinear"}, "missing: DATA"),
        ({"encoder": "run", "data": "d.csv", "baseline": "dlinear"}, "exactly one of them"),
        ({"data": "d.csv", "baseline": "dlinea"}, "baseline: must be one of dlinear, patchtst"),
        ({"data": "d.csv", "baseline": "dlinear", "task": "anomaly"}, "cannot be evaluated for anomaly"),
        ({"encoder": "run", "data": "d.csv", "window": 24}, "window: an encoder keeps"),
        ({"encoder": "run", "data": "d.csv", "loss": "mae"}, "loss: an encoder is not trained"),
        ({"encoder": "run", "data": "d.csv", "regularizer": "orthogonality"}, "regularizer: an encoder is not trained"),
        (
            {"data": "d.csv", "baseline": "lstm", "regularizer": "orthogonality"},
            "is for timexer and itransformer; lstm",
        ),
        ({"data": "d.csv", "baseline": "lstm", "regularizer": "sparsity"}, "regularizer: must be one of orthogonality"),
        ({"data": "d.csv", "baseline": "timexer", "regularizer": "orthogonality=0"}, "must be a number above 0"),
        ({"data": "d.csv", "baseline": "timexer", "regularizer": "orthogonality="}, "must be a number above 0, got ''"),
        ({"data": "d.csv", "baseline": "dlinear", "loss": "mape"}, "loss: must be one of mse, mae, smooth_l1"),
    ],
)
def test_exactly_one_of_encoder_and_baseline(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        EvaluateOptions(**given)  # type: ignore[arg-type]
