"""The combined forecaster: members against scikit-learn, weights and intervals against what is known of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from downstream.forecasting.combining import plan as planning
from downstream.forecasting.combining.fit import effective_series, fit
from downstream.forecasting.combining.intervals import LEVELS
from downstream.forecasting.combining.linear import Linear, in_bands, weighted
from downstream.forecasting.combining.members import RidgeMember, lookbacks, naive_members, offsets
from downstream.forecasting.combining.plan import plan_members
from downstream.forecasting.combining.reduced import Directions
from downstream.forecasting.combining.ridges import RidgeFit
from downstream.forecasting.combining.sums import Apart, sum_members
from downstream.forecasting.combining.weights import combination_weights
from downstream.forecasting.rows import RowBlock, row_blocks
from downstream.forecasting.task import Origins
from downstream.probes.ridge import Moments
from downstream.windows import Windows

Floats = NDArray[np.floating]
N_LAGS = 8


def rows_of(toys: SimpleNamespace, *, missing: bool, part: str = "train", variates: int = 3) -> list[RowBlock]:
    values = toys.ar1(300, coefficient=0.8, variates=variates) + 3
    if missing:
        values[[40, 90, 91, 200], [0, 1, 0, 1]] = np.nan
    task = toys.make_task(values, n_targets=variates, raw_lags=N_LAGS)
    origins = task.origins(part, 1)
    return list(row_blocks(task, part, origins, horizons=(1, 4), represent=toys.Identity(3)))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "member",
    [
        RidgeMember("raw lags", 8, 1, "shared"),
        RidgeMember("raw lags", 5, 4, "shared"),
        RidgeMember("raw lags", 4, 6, "shared"),
        RidgeMember("both", 6, 2, "shared"),
        RidgeMember("representation", 0, 1, "shared"),
        RidgeMember("representation", 0, 5, "per variate"),
        RidgeMember("raw lags", 6, 3, "per variate"),
        RidgeMember("raw lags", 6, 1, "grouped"),
    ],
    ids=str,
)
def test_a_ridge_equals_sklearn_on_naive_rows(member: RidgeMember, missing: bool, toys: SimpleNamespace) -> None:
    apart = Apart(groups=(0, 1, 2), clusters=(0, 1, 0), lags=6)
    blocks = {part: rows_of(toys, missing=missing, part=part) for part in ("train", "validation")}
    sums = [sum_members(blocks[part], horizons=(1, 4), lags=N_LAGS, apart=apart) for part in ("train", "validation")]
    models = {"shared": (0, 0, 0), "grouped": apart.clusters, "per variate": apart.groups}[member.sharing]
    shared = member.sharing == "shared"
    x, y, reach = (
        torch.cat([block.joined() for block in blocks["train"]], dim=1).numpy().astype(float),
        torch.cat([block.steps_ahead() for block in blocks["train"]], dim=1).numpy(),
        np.concatenate([block.reach for block in blocks["train"]]).T,
    )
    for index, (first, end) in enumerate(((0, 1), (1, 4))):
        parts: list[list[Moments]] = []
        for each in sums:
            whole, groups = each.whole[index], each.apart[index]
            assert whole is not None and groups is not None
            parts.append([whole] if shared else apart.of_models(groups, member.sharing))
        linear, alphas = RidgeFit(member, N_LAGS if shared else 6, N_LAGS).choose(*parts)
        linear = linear if shared else linear.of_variates(models)
        predicted = linear.predict(torch.as_tensor(x, dtype=torch.float32)).numpy()
        for variate, model in enumerate(models):
            own = [other for other in range(3) if models[other] == model]
            unit = np.concatenate([x[v, reach[v] >= index, N_LAGS:] for v in own]).std(axis=0)
            fit_on = [_seen(x[v, reach[v] >= index], member, unit=unit) for v in own]
            truth = np.concatenate([y[v, reach[v] >= index, first:end] for v in own])
            features, level = (np.concatenate(each) for each in zip(*fit_on, strict=True))
            oracle = Ridge(alpha=alphas[model].alpha).fit(features, truth - level)
            asked, base = _seen(x[variate], member, unit=unit)
            expected = oracle.predict(asked).reshape(len(asked), -1) + base
            np.testing.assert_allclose(predicted[variate], expected, atol=1e-3)


def _seen(rows: Floats, member: RidgeMember, *, unit: Floats) -> tuple[Floats, Floats]:
    """Return what a ridge sees of some rows, and the level that it counts from."""
    lags, z = rows[:, :N_LAGS], rows[:, N_LAGS:]
    level = lags[:, N_LAGS - member.offset :].mean(axis=1, keepdims=True)
    parts = [lags[:, N_LAGS - member.lookback :] - level] if member.lookback else []
    return np.concatenate([*parts, *([z / unit] if member.sees_representation else [])], axis=1), level


def test_maps_add_up_and_stand_in_bands() -> None:
    generator = torch.Generator().manual_seed(0)

    def some(n_maps: int, start: int, columns: int, steps: int = 2) -> Linear:
        weights = torch.randn(n_maps, columns, steps, generator=generator)
        return Linear(start, weights, torch.randn(n_maps, steps, generator=generator))

    parts = [(some(1, 2, 3), 0.5), (some(3, 0, 4), 0.2), (some(1, 0, 2), 0.1), (some(3, 3, 3), 0.2)]
    x = torch.randn(3, 5, 6, generator=generator)
    expected = sum(weight * part.predict(x) for part, weight in parts)
    first, second = weighted(parts), weighted(parts[:1])
    torch.testing.assert_close(sum(part.predict(x) for part in first), expected)
    both = sum(part.predict(x) for part in in_bands([first, second]))
    assert isinstance(both, torch.Tensor) and isinstance(expected, torch.Tensor)
    torch.testing.assert_close(both[:, :, :2], expected)
    torch.testing.assert_close(both[:, :, 2:], second[0].predict(x).expand(3, -1, -1))


def test_weights_are_least_squares_where_there_is_much_to_go_by_and_the_prior_where_there_is_nothing() -> None:
    products, prior = np.diag([1.0, 2.0, 4.0]), np.asarray([1.0, 1.0, 0.0])

    def found(n: float, of: Floats = products, before: Floats = prior) -> Floats:
        return combination_weights(of, before, n_independent=n, prior_origins=1.0)

    much, none, between = found(1e9), found(1e-9), found(1.0)
    np.testing.assert_allclose(much, np.asarray([4, 2, 1]) / 7, rtol=1e-3)  # inverse variances
    np.testing.assert_allclose(none, [0.5, 0.5, 0.0], atol=1e-4)
    assert (np.abs(between - none) < np.abs(much - none)).all()
    # A forecast with the errors of another one and more is worth nothing.
    np.testing.assert_allclose(found(1e6, np.asarray([[1.0, 1.0], [1.0, 5.0]]), np.ones(2)), [1.0, 0.0], atol=1e-3)
    order = [2, 0, 1]
    np.testing.assert_allclose(found(3.0, products[np.ix_(order, order)], prior[order]), found(3.0)[order], rtol=1e-5)
    np.testing.assert_allclose(found(3.0, 1e-6 * products), found(3.0), rtol=1e-5)
    np.testing.assert_allclose(found(1e-9, products, np.zeros(3)), 1 / 3, rtol=1e-3)


def test_series_that_go_together_count_as_fewer(toys: SimpleNamespace) -> None:
    one = toys.make_task(toys.noise(1000, 1), n_targets=1)
    own = np.random.default_rng(1).normal(size=(16, 800, 1)).astype(np.float32)

    def panel(share: float) -> float:
        common = np.random.default_rng(2).normal(size=(800, 1)).astype(np.float32)
        series = tuple(np.sqrt(share) * common + np.sqrt(1 - share) * each for each in own)
        return effective_series(replace(one, series=series, bounds=((600, 800),) * 16))

    assert effective_series(one) == 1.0
    assert panel(0.0) == pytest.approx(16, rel=0.1)
    assert panel(1.0) == pytest.approx(1.0)
    assert panel(0.5) == pytest.approx(16 / (1 + 15 * 0.5), rel=0.2)


def test_naive_members_repeat_and_go_on() -> None:
    x = torch.arange(1.0, 11.0).repeat(2, 3, 1) ** 2
    found = {name: part.predict(x)[0, 0].tolist() for name, part in naive_members(n_lags=10, period=4, steps=6).items()}
    assert found["repeat last"] == [100.0] * 6
    assert found["seasonal naive"] == [49.0, 64.0, 81.0, 100.0, 49.0, 64.0]
    np.testing.assert_allclose(found["drift"], [100.0 + 11.0 * step for step in range(1, 7)], rtol=1e-5)


def test_lookbacks_and_levels_follow_the_data() -> None:
    assert lookbacks(336, train_rows=8640) == (96, 192, 336, 720)
    assert lookbacks(40, train_rows=320) == (20, 40)
    assert offsets(24, longest=720) == (1, 24, 168)
    assert offsets(24, longest=96) == (1, 24)
    assert offsets(1, longest=96) == (1, 8)
    assert offsets(24, longest=4) == (1,)


def test_a_representation_that_knows_more_gets_the_weight_and_noise_does_no_harm(toys: SimpleNamespace) -> None:
    lead = toys.noise(3000, 1)
    values = np.concatenate([np.roll(lead, 3, axis=0) + 0.1 * toys.noise(3000, 1, rng_seed=1), lead], axis=1)
    task = toys.make_task(values, n_targets=1, horizons=(3,))
    (found,) = fit(task, toys.Identity(mixed=True))
    seen = sum(weight for name, weight in found.weights[0].items() if "representation" in name)
    assert seen > 0.9

    class Noise:
        def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
            return np.random.default_rng(windows.n).normal(size=(windows.n, 1, 8)).astype(np.float32)

    (plain,), (noisy,) = fit(task, None), fit(task, Noise())
    rows = noisy.rows_of(task)
    (block,) = row_blocks(rows, "validation", rows.origins("validation", 3), horizons=(3,), represent=Noise())
    errors = [np.nanmean((each.predict(block) - block.targets) ** 2) for each in (plain, noisy)]
    assert errors[1] < 1.01 * errors[0]


def test_changing_the_future_changes_no_forecast(toys: SimpleNamespace) -> None:
    task = toys.make_task(toys.ar1(500, coefficient=0.7), n_targets=2)
    opened = task.open_test()
    poisoned = opened.series[0].copy()
    poisoned[431:] += 100.0
    at = Origins(np.array([0]), np.array([430]))
    (found,) = fit(task, toys.Identity())
    both = [
        found.predict(next(iter(row_blocks(found.rows_of(one), "test", at, horizons=(4,), represent=toys.Identity()))))
        for one in (opened, replace(opened, series=(poisoned,)))
    ]
    np.testing.assert_array_equal(*both)


def test_variates_in_another_order_are_forecast_alike(toys: SimpleNamespace) -> None:
    values = toys.ar1(700, coefficient=0.8, variates=6).cumsum(axis=0) * 0.1
    order = np.asarray([4, 2, 0, 5, 1, 3])
    found = []
    for columns in (np.arange(6), order):
        task = toys.make_task(values[:, columns], n_targets=6)
        (combination,) = fit(task, toys.Identity())
        rows = combination.rows_of(task)
        (block,) = row_blocks(
            rows, "validation", rows.origins("validation", 4), horizons=(1, 4), represent=toys.Identity()
        )
        found.append(combination.quantiles(block, (0.1, 0.5)))
    np.testing.assert_allclose(found[1], found[0][..., order], atol=2e-3)


def test_what_cannot_be_afforded_is_named(toys: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    task = toys.make_task(toys.ar1(400, coefficient=0.5, variates=6), n_targets=6)
    every = plan_members(task, (1, 4), streams=6, width=6)
    assert {ridge.sharing for ridge in every.ridges} == {"shared", "grouped", "per variate"}
    assert every.left_out == ()
    monkeypatch.setattr(planning, "MAX_ENTRIES", 4 * 2 * 8 * 12 + 1)
    some = plan_members(task, (1, 4), streams=6, width=6)
    assert {ridge.sharing for ridge in some.ridges} == {"shared", "grouped"}
    assert some.left_out == (
        "weights for raw lags per variate (6 variates)",
        "weights for the representation per variate (6 variates)",
    )
    monkeypatch.setattr(planning, "MAX_ENTRIES", 1)
    (combination,) = fit(task, toys.Identity())
    assert combination.left_out and {part.n_maps for part in combination.maps} == {1}


def test_a_variate_without_values_leaves_the_others_their_forecasts(toys: SimpleNamespace) -> None:
    values = toys.ar1(600, coefficient=0.8, variates=2)
    values[:, 1] = np.nan
    task = toys.make_task(values, n_targets=2)
    found = fit(task, toys.Identity(mixed=True), representation_only=True)
    rows = found[0].rows_of(task)
    blocks = row_blocks(
        rows, "validation", rows.origins("validation", 4), horizons=(1, 4), represent=toys.Identity(mixed=True)
    )
    errors = np.concatenate([found[0].predict(block) - block.targets for block in blocks])[..., 0]
    assert len(found) == 1  # no model of its own for the second variate, and one for both says nothing of either
    assert np.nanmean(np.square(errors)) < 3.0


def test_missing_values_leave_forecasts_finite(toys: SimpleNamespace) -> None:
    values = toys.ar1(600, coefficient=0.8, variates=2)
    values[np.random.default_rng(0).random(values.shape) < 0.1] = np.nan
    task = toys.make_task(values, n_targets=2)
    (found,) = fit(task, toys.Identity())
    rows = found.rows_of(task)
    blocks = row_blocks(rows, "validation", rows.origins("validation", 4), horizons=(1, 4), represent=toys.Identity())
    assert all(np.isfinite(found.quantiles(block, LEVELS)).all() for block in blocks)


def test_a_wide_representation_is_seen_in_its_main_directions(toys: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 1500)).astype(np.float32)

    class Wide:
        def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
            return toys.Identity()(windows, mask_last=mask_last) @ mixing

    z = (rng.normal(size=(400, 2, 6)) @ mixing).astype(np.float32)
    directions = Directions.of(z)
    assert directions.basis.shape == (1500, 6)  # as many as there are
    inside = z.reshape(-1, 1500) - z.reshape(-1, 1500).mean(axis=0)
    scaled = inside / inside.std(axis=0)
    seen = (z.reshape(-1, 1500) - directions.mean.numpy()) @ directions.basis.numpy()
    # What ridge sees of two rows is their product, which directions keep.
    np.testing.assert_allclose(seen @ seen.T, scaled @ scaled.T * 6 / 1500, atol=0.02)
    task = toys.make_task(toys.ar1(600, coefficient=0.8), n_targets=2)
    (wide,), (narrow,) = fit(task, Wide()), fit(task, toys.Identity())
    assert wide.directions is not None and narrow.directions is None
    errors = []
    for each, represent in ((wide, Wide()), (narrow, toys.Identity())):
        rows = each.rows_of(task)
        at = rows.origins("validation", 4)
        (block,) = row_blocks(rows, "validation", at, horizons=(1, 4), represent=each.seen_by(represent))
        errors.append(np.nanmean(np.square(each.predict(block) - block.targets)))
    assert errors[0] == pytest.approx(errors[1], rel=0.02)
