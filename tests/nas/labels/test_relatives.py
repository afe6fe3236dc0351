"""Every supervised relative: its shape, that it learns, what brings variates together first, and the losses."""

import numpy as np
import pandas as pd
import pytest
import torch

from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask
from nas.labels.end_to_end import LinearForecaster, train_supervised
from nas.labels.fit import predict
from nas.labels.forecasting import POINTWISE, ForecastSupervision
from nas.labels.relatives.forms import FeatureTokens, VariatesFirst
from nas.labels.relatives.names import LOSSES, NAMES
from nas.labels.relatives.table import relative
from search_space.registry import UnknownOptionError

STEPS = 30  # of training


def periodic(n_rows: int = 500) -> pd.DataFrame:
    time = np.arange(n_rows)
    values = np.stack([np.sin(2 * np.pi * time / 12), np.cos(2 * np.pi * time / 12 + 1.0)], axis=1)
    return pd.DataFrame(values + 0.05 * np.random.default_rng(0).normal(size=values.shape), columns=["a", "b"])


def load(frame: pd.DataFrame | None = None) -> ForecastingTask:
    frame = periodic() if frame is None else frame
    task = load_task(frame, kind="forecasting", name="waves", window=24, horizons=(6,))
    assert isinstance(task, ForecastingTask)
    return task


def built(name: str, *, variates: int = 3, n_targets: int = 2) -> LinearForecaster:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"variates": variates, "n_targets": n_targets, "window": 24, "horizon": 5}
        return LinearForecaster(relative(name).encoder, form=relative(name).form, **sizes).eval()


def windows(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", NAMES)
def test_it_forecasts_the_targets_also_where_values_are_missing(name: str) -> None:
    model, x = built(name), windows(4, 24, 3)
    x[0, 3:9, 1] = x[1, :, 0] = x[2, :5] = float("nan")
    with torch.no_grad():
        y = model(x)
    assert y.shape == (4, 5, 2) and bool(y.isfinite().all())


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_a_period_better_than_the_mean(name: str) -> None:
    task = load().without_test()
    form, encoder = relative(name).form, relative(name).encoder
    rate = 5e-3 if encoder.normalization == "last" else 2e-3  # a recurrence starts far off, attention diverges
    trained = train_supervised(encoder, task, iterations=STEPS, form=form, learning_rate=rate)
    mean = float(np.square(trained.supervision._targets).mean())  # of scaled values, whose mean is zero
    assert trained.fit.best.score < 0.5 * mean


@pytest.mark.parametrize("name", ["can", "ft_transformer"])
def test_rows_of_the_test_part_change_no_weight(name: str) -> None:
    poisoned = periodic()
    poisoned.iloc[-50:] = 1e6
    one, other = (
        train_supervised(relative(name).encoder, load(frame), iterations=3, form=relative(name).form)
        for frame in (periodic(), poisoned)
    )
    assert all(torch.equal(a, b) for a, b in zip(one.fit.weights.values(), other.fit.weights.values(), strict=True))


def test_variates_meet_before_time_does() -> None:
    encoder = built("can").encoder
    assert isinstance(encoder, VariatesFirst)
    x = windows(1, 24, 3)
    changed = x.clone()
    changed[0, :, 2] += windows(24)
    with torch.no_grad():
        heard: list[torch.Tensor] = []
        encoder.projection.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
        encoder(x), encoder(changed)
    series, together = ((heard[0] - heard[1])[0, 0, :, part] for part in (slice(0, 2), slice(3, 5)))
    assert float(series.abs().max()) == 0.0  # what the other variates are by themselves stays
    assert float(together.abs().max()) > 1e-3  # what the attention made of them does not


def test_the_steps_of_a_feature_transformer_do_not_see_each_other() -> None:
    encoder = built("ft_transformer").encoder
    encoder.normalization = "none"
    x = windows(2, 24, 3)
    changed = x.clone()
    changed[:, 7] += 1.0
    with torch.no_grad():
        differ = (encoder(x) - encoder(changed)).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert differ.nonzero().flatten().tolist() == [7]


def test_a_feature_transformer_is_its_formula() -> None:
    encoder = built("ft_transformer").encoder
    assert isinstance(encoder, FeatureTokens)
    encoder.normalization, encoder.blocks, encoder.output = "none", torch.nn.ModuleList(), torch.nn.Identity()
    seen: list[torch.Tensor] = []
    encoder.blocks.append(torch.nn.Identity())
    encoder.blocks[0].forward = lambda latent, span: seen.append(latent) or latent  # type: ignore[method-assign]
    x = windows(1, 24, 3)
    with torch.no_grad():
        encoder(x)
    weight, bias, places = encoder.projection.weight.detach(), encoder.projection.bias.detach(), encoder.places.detach()
    for variate in range(3):
        expected = x[0, 5, variate] * weight[:, variate] + bias + places[variate + 1]
        torch.testing.assert_close(seen[0][0, variate + 1, 5], expected)
    torch.testing.assert_close(seen[0][0, 0, 5], bias + places[0])  # the token that is read knows nothing yet


def test_losses_are_their_formulas_and_pass_over_what_is_missing() -> None:
    errors = np.array([-3.0, -0.5, 0.0, 0.25, 2.0])
    size = np.abs(errors)
    expected = {"mse": errors**2, "mae": size, "smooth_l1": np.where(size < 1, errors**2 / 2, size - 0.5)}
    assert set(LOSSES) == set(POINTWISE) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(POINTWISE[name](torch.as_tensor(errors)).numpy(), values)
    frame = periodic()
    frame.iloc[::7, 0] = np.nan
    for name in LOSSES:
        supervision = ForecastSupervision(load(frame).without_test(), device=torch.device("cpu"), loss=name)
        index = torch.arange(20)
        targets = supervision.targets(index).numpy()
        observed = torch.as_tensor((1.5 - targets)[np.isfinite(targets)])
        loss = supervision.loss(torch.full(targets.shape, 1.5), index)
        assert float(loss) == pytest.approx(float(POINTWISE[name](observed).mean()), rel=1e-5)


def test_another_loss_gives_another_model_and_is_said() -> None:
    task = load()
    opened, closed = task.open_test(), task.without_test()
    cell = relative("dlinear").encoder
    trained = {name: train_supervised(cell, closed, iterations=5, loss=name) for name in LOSSES}
    outputs = [predict(model.model, model.supervision.held_out) for model in trained.values()]
    assert not np.array_equal(outputs[0], outputs[1]) and not np.array_equal(outputs[1], outputs[2])
    said = {name: model.score_test(closed, opened).settings.get("loss") for name, model in trained.items()}
    assert said == {"mse": None, "mae": "mae", "smooth_l1": "smooth_l1"}


def test_a_name_that_is_unknown_is_one_sentence() -> None:
    with pytest.raises(UnknownOptionError, match=r"baseline: unknown name, got 'witrain'.*witran"):
        relative("witrain")
