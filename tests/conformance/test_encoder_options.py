"""What every registered operator and readout must satisfy, by being registered."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from search_space.registry import Option, options

OPERATORS = list(options("operator").values())
READOUTS = list(options("readout").values())
HIDDEN = 16

operators = pytest.mark.parametrize("option", OPERATORS, ids=lambda option: option.name)
readouts = pytest.mark.parametrize("option", READOUTS, ids=lambda option: option.name)


def build(option: Option, *, hidden: int = HIDDEN, depth: int = 1, dropout: float = 0.0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        module: nn.Module = option.target(hidden, depth=depth, dropout=dropout)
    return module


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed))


def in_double(operator: nn.Module) -> nn.Module:
    """Double precision tells a dependence from rounding."""
    return operator.double().eval()


@operators
@pytest.mark.parametrize("time", [1, 2, 7, 24, 96])
@pytest.mark.parametrize("streams", [1, 3])
def test_operator_keeps_the_shape_and_is_finite(option: Option, time: int, streams: int) -> None:
    x = noise(1, streams, time, HIDDEN).requires_grad_()
    y = build(option, depth=3, dropout=0.1)(x)
    assert y.shape == x.shape
    assert y.isfinite().all()
    y.square().sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
@pytest.mark.parametrize(
    "option", [option for option in OPERATORS if option.target.graph != "none"], ids=lambda o: o.name
)
def test_operator_can_be_exported(option: Option) -> None:
    operator, open_time = build(option).eval(), option.target.graph == "any"
    sizes = {0: torch.export.Dim.DYNAMIC, **({2: torch.export.Dim.DYNAMIC} if open_time else {})}
    how = {"dynamic_shapes": (sizes,), "prefer_deferred_runtime_asserts_over_guards": True}
    graph = torch.export.export(operator, (noise(2, 3, 11, HIDDEN),), **how).module()
    for windows, time in ((2, 11), (5, 23 if open_time else 11)):
        x = noise(windows, 3, time, HIDDEN, rng_seed=1)
        torch.testing.assert_close(graph(x), operator(x))


@operators
@pytest.mark.parametrize("hidden", [1, 5, 24])
def test_operator_takes_any_width(option: Option, hidden: int) -> None:
    assert build(option, hidden=hidden)(noise(2, 2, 11, hidden)).shape == (2, 2, 11, hidden)


@operators
def test_gradient_reaches_every_parameter(option: Option) -> None:
    operator = build(option)
    operator(noise(2, 3, 24, HIDDEN).requires_grad_()).square().sum().backward()
    for name, parameter in operator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@operators
def test_causal_flag_tells_the_truth(option: Option) -> None:
    operator = in_double(build(option))
    x = noise(2, 2, 40, HIDDEN).double()
    now = 19
    changed = x.clone()
    changed[:, :, now + 1 :] += 10.0 * noise(2, 2, 20, HIDDEN, rng_seed=1).double()
    difference = (operator(changed) - operator(x))[:, :, : now + 1].abs().max()
    if option.causal:
        assert difference < 1e-9
    else:
        assert difference > 1e-6


@operators
def test_windows_of_a_batch_do_not_meet(option: Option) -> None:
    operator = in_double(build(option))
    x = noise(3, 2, 12, HIDDEN).double()
    torch.testing.assert_close(operator(x)[1:2], operator(x[1:2]))


@operators
def test_eval_is_deterministic_and_leaves_the_input_alone(option: Option) -> None:
    operator = build(option, dropout=0.5).eval()
    x = noise(2, 2, 20, HIDDEN)
    kept = x.clone()
    torch.testing.assert_close(operator(x), operator(x), rtol=0.0, atol=0.0)
    torch.testing.assert_close(x, kept, rtol=0.0, atol=0.0)


@operators
@pytest.mark.parametrize("length", [5, 16, 19])
def test_padding_at_the_end_changes_nothing(option: Option, length: int) -> None:
    operator = in_double(build(option))
    x = noise(2, 2, 29, HIDDEN).double()
    x[0, :, length:] = 0.0  # outside the span the latent is zero
    span = torch.ones(2, 29, dtype=torch.bool)
    span[0, length:] = False
    padded = operator(x, span)
    torch.testing.assert_close(padded[:1, :, :length], operator(x[:1, :, :length]))
    torch.testing.assert_close(padded[1:], operator(x[1:]))


@operators
def test_window_without_observed_steps_stays_finite(option: Option) -> None:
    operator = build(option)
    x = torch.zeros(2, 2, 9, HIDDEN, requires_grad=True)
    y = operator(x, torch.zeros(2, 9, dtype=torch.bool))
    y.square().sum().backward()
    assert y.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in operator.parameters())


@operators
@pytest.mark.parametrize("sizes", [(0, 0, 0.0), (4, -1, 0.0), (4, 0, 1.0), (4, 0, -0.1)])
def test_operator_refuses_sizes_out_of_range(option: Option, sizes: tuple[int, int, float]) -> None:
    hidden, depth, dropout = sizes
    with pytest.raises(ValueError, match=r"(hidden|depth) must be >= |dropout must be in"):
        option.target(hidden, depth=depth, dropout=dropout)


@readouts
@pytest.mark.parametrize("time", [1, 2, 7, 24, 96])
@pytest.mark.parametrize("streams", [1, 3])
def test_readout_has_the_stated_width(option: Option, time: int, streams: int) -> None:
    readout = option.target(5)
    out = readout(noise(1, streams, time, 5), torch.ones(1, time, dtype=torch.bool))
    assert out.shape == (1, streams, readout.out_features)
    assert out.isfinite().all()


@readouts
def test_readout_sees_observed_steps_only(option: Option) -> None:
    readout = option.target(4)
    z = noise(2, 3, 10, 4)
    observed = torch.ones(2, 10, dtype=torch.bool)
    observed[0, :2] = observed[0, 7:] = False
    changed = z.clone()
    changed[0, :, :2] = 100.0
    changed[0, :, 7:] = -100.0
    torch.testing.assert_close(readout(changed, observed), readout(z, observed))
    alone = readout(z[:1, :, 2:7], torch.ones(1, 5, dtype=torch.bool))
    torch.testing.assert_close(readout(z, observed)[:1], alone)


@readouts
def test_readout_of_an_unobserved_window_is_zero(option: Option) -> None:
    readout = option.target(4)
    z = noise(2, 3, 6, 4)
    observed = torch.tensor([[False] * 6, [True] * 6])
    out = readout(z, observed)
    assert (out[0] == 0).all()
    torch.testing.assert_close(out[1:], readout(z[1:], observed[1:]))


@readouts
def test_readout_lets_gradients_through(option: Option) -> None:
    z = noise(2, 2, 6, 4).requires_grad_()
    option.target(4)(z, torch.ones(2, 6, dtype=torch.bool)).sum().backward()
    assert z.grad is not None and z.grad.isfinite().all() and z.grad.abs().sum() > 0


@readouts
def test_readout_has_no_weights_and_refuses_no_features(option: Option) -> None:
    readout = option.target(3)
    assert readout.fitted or not list(readout.parameters())
    with pytest.raises(ValueError, match="features must be >= 1, got 0"):
        option.target(0)
