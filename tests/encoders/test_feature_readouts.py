"""Readouts that summarise every feature by itself, against plain loops over one series at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.halves import first_half
from encoders.readouts._by_feature import FeatureReadout
from encoders.readouts._multirocket import MultiRocketReadout
from encoders.readouts.hydra import HydraReadout
from encoders.readouts.multirocket_hydra import MultiRocketHydraReadout
from search_space import registry

Floats = NDArray[np.float64]
FEATURES, STEPS = 20, 37
NAMES = [name for name, option in registry.options("readout").items() if issubclass(option.target, FeatureReadout)]
names = pytest.mark.parametrize("name", NAMES)


def series(rng_seed: int = 0, *, features: int = FEATURES) -> tuple[Tensor, Tensor]:
    """Return representations (5, 2, steps, features) and which steps count: all, few, one, none, not the first ones."""
    z = torch.randn(5, 2, STEPS, features, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)
    z = (z + z.roll(1, dims=2)).round(decimals=1)  # equal values occur
    observed = torch.zeros(5, STEPS, dtype=torch.bool)
    for row, steps in enumerate((slice(0, STEPS), slice(0, 9), slice(0, 1), slice(0, 0), slice(5, 30))):
        observed[row, steps] = True
    return z, observed


def built(name: str, *, features: int = FEATURES) -> FeatureReadout:
    """Return a readout in double precision, fitted to noise where it is fitted."""
    readout: FeatureReadout = registry.build("readout", name, features).double().eval()
    if readout.fitted:
        noise = torch.randn(features, 500, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        readout.fit(noise)  # type: ignore[operator]
    return readout


def by_loops(readout: FeatureReadout, name: str, values: Floats) -> list[float]:
    """Summarise one series, observed steps only, (features, steps), feature by feature."""
    if isinstance(readout, MultiRocketHydraReadout):
        halves = values[: readout.split], values[readout.split :]
        return [*_multirocket(readout.multirocket, halves[0]), *_hydra(halves[1])]
    if isinstance(readout, MultiRocketReadout):
        return _multirocket(readout, values)
    if name == "hydra":
        return _hydra(values)
    if name == "statistics":
        return [number for one in values for number in _statistics(one)]
    if name.startswith("shares"):
        thresholds = readout.thresholds().tolist()  # type: ignore[operator]
        return [_mean(one > each) for one, own in zip(values, thresholds, strict=True) for each in own]
    m, n = readout.parts, values.shape[1]
    starts = [k * n // m for k in range(m)]
    stops = [max((k + 1) * n // m, start + 1) for k, start in enumerate(starts)]
    return [_mean(one[start:stop]) for one in values for start, stop in zip(starts, stops, strict=True)]


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _statistics(one: Floats) -> list[float]:
    return [one.max(), one.mean(), float(np.sqrt(one.var() + 1e-5)), _mean(one > 0)] if len(one) else [0.0] * 4


def _multirocket(readout: MultiRocketReadout, values: Floats) -> list[float]:
    found = []
    for one, thresholds, deviation in zip(
        values, readout.thresholds().tolist(), readout.deviation.tolist(), strict=True
    ):
        for threshold in thresholds:
            above = np.flatnonzero(one > threshold)
            stretches = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
            found += [
                _mean(one > threshold),
                _mean((one[above] - threshold) / deviation),
                _mean(above / max(len(one) - 1, 1)),
                max(map(len, stretches)) / max(len(one), 1),
            ]
    return found


def _hydra(values: Floats) -> list[float]:
    n = max(values.shape[1], 1)
    counts = np.zeros((len(values), 2))
    for begin in range(0, len(values), 8):
        for step in values[begin : begin + 8].T:
            counts[begin + step.argmax(), 0] += step.max() / n
            counts[begin + step.argmin(), 1] += 1 / n
    return list(np.sqrt(counts.clip(min=0)).ravel())


@names
def test_equals_a_plain_loop(name: str) -> None:
    readout, (z, observed) = built(name), series()
    found = readout(z, observed)
    for row, stream in np.ndindex(5, 2):
        values = z[row, stream, observed[row]].T.numpy()
        np.testing.assert_allclose(found[row, stream].detach(), by_loops(readout, name, values), atol=1e-12)


@names
def test_neither_padding_nor_the_other_windows_matter(name: str) -> None:
    readout, (z, observed) = built(name), series()
    together = readout(z, observed)
    longer = torch.cat([z, 9.0 * torch.ones(5, 2, 11, FEATURES)], dim=2)
    steps = torch.cat([observed, torch.zeros(5, 11, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(readout(longer, steps), together)
    torch.testing.assert_close(readout(z[1:2], observed[1:2]), together[1:2])


@names
def test_parts_give_what_the_whole_gives(name: str) -> None:
    readout, (z, _) = built(name, features=44), series(features=44)
    values, counted = z[:, 0].transpose(1, 2), torch.ones(5, STEPS, 1, dtype=torch.float64)
    cuts = [0, 8, first_half(44), first_half(44) + 8, 44]
    parts = [slice(*ends) for ends in itertools.pairwise(cuts)]
    if name == "hydra":  # groups count from the first feature
        parts = [slice(0, 16), slice(16, 32), slice(32, 44)]
    assert all(readout.takes(part) for part in parts)
    found = [readout.summary(values[:, part], counted, part).flatten(1) for part in parts]
    torch.testing.assert_close(torch.cat(found, dim=1), readout.whole(values, counted))


@pytest.mark.parametrize(("name", "part"), [("hydra", slice(0, 12)), ("multirocket_hydra", slice(8, 36))])
def test_features_that_belong_together_are_not_parted(name: str, part: slice) -> None:
    assert not built(name, features=44).takes(part)


@pytest.mark.parametrize("name", [name for name in NAMES if registry.get("readout", name).target.fitted])
def test_in_training_it_is_soft_and_thresholds_learn(name: str) -> None:
    readout, (z, observed) = built(name), series()
    exact = readout(z, observed)
    soft = readout.train()(z, observed)
    assert 0 < (soft - exact).abs().mean() < 0.05
    soft.square().sum().backward()
    assert all(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in readout.parameters())
    assert soft[3].abs().sum() == 0


def test_the_longest_stretch_is_exact_in_training() -> None:
    readout, (z, observed) = built("multirocket_4"), series()
    exact, soft = (readout.train(mode)(z, observed).unflatten(-1, (-1, 4))[..., 3] for mode in (False, True))
    assert (exact == soft).all()


def test_the_gradient_reaches_whoever_is_the_largest() -> None:
    z, observed = series()
    z.requires_grad_()
    readout = HydraReadout(FEATURES)
    readout(z, observed)[..., ::2].sum().backward()
    largest = torch.cat([part == part.amax(dim=3, keepdim=True) for part in z.split(8, dim=3)], dim=3)
    assert z.grad is not None and z.grad.isfinite().all() and z.grad.abs().sum() > 0
    assert ((z.grad == 0) | (largest & observed[:, None, :, None])).all()


@pytest.mark.parametrize(("features", "first"), [(1, 1), (15, 15), (16, 8), (20, 12), (24, 16), (1344, 672)])
def test_the_second_half_is_whole_groups(features: int, first: int) -> None:
    assert first_half(features) == first
    assert MultiRocketHydraReadout(features).out_features == 32 * first + 2 * (features - first)


def test_a_base_has_no_summary() -> None:
    with pytest.raises(NotImplementedError, match="must implement summary"):
        FeatureReadout(1)(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, dtype=torch.bool))
