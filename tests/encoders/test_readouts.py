"""Closed forms of the readouts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from encoders.readouts._readout import Readout
from encoders.readouts.attention import AttentionReadout
from encoders.readouts.last import LastReadout
from encoders.readouts.max import MaxReadout
from encoders.readouts.mean import MeanReadout
from encoders.readouts.multiscale import SEGMENTS, MultiscaleReadout
from encoders.readouts.ppv import PpvReadout

OBSERVED = torch.tensor([[False, True, True, True, False]])


def column(*values: float) -> Tensor:
    return torch.tensor(values).view(1, 1, -1, 1)


Z = column(9.0, -1.0, 3.0, 1.0, 9.0)


def test_base_has_no_forward() -> None:
    with pytest.raises(NotImplementedError, match="must implement forward"):
        Readout(1)(Z, OBSERVED)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(LastReadout, [1.0]), (MeanReadout, [1.0]), (MaxReadout, [3.0]), (PpvReadout, [2.0 / 3.0, 3.0])],
)
def test_simple_readouts_by_hand(kind: type[Readout], expected: list[float]) -> None:
    torch.testing.assert_close(kind(1)(Z, OBSERVED), torch.tensor([[expected]]))


def test_last_differs_between_windows_of_different_length() -> None:
    z = torch.arange(24.0).view(2, 3, 4, 1)
    observed = torch.tensor([[True, True, False, False], [True, True, True, True]])
    assert LastReadout(1)(z, observed)[..., 0].tolist() == [[1.0, 5.0, 9.0], [15.0, 19.0, 23.0]]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13])
def test_multiscale_takes_the_maxima_of_slices(n: int) -> None:
    z = torch.randn(1, 2, n, 3, generator=torch.Generator().manual_seed(n))
    slices = [z[:, :, k * n // m : max((k + 1) * n // m, k * n // m + 1)] for m in SEGMENTS for k in range(m)]
    expected = torch.cat([part.amax(dim=2) for part in slices], dim=-1)
    torch.testing.assert_close(MultiscaleReadout(3)(z, torch.ones(1, n, dtype=torch.bool)), expected)


@pytest.mark.parametrize("kind", [MaxReadout, MultiscaleReadout, PpvReadout])
@pytest.mark.parametrize("steps", [slice(0, 9), slice(2, 7), slice(0, 0), slice(0, 9, 2)])
def test_windows_that_share_their_steps_read_out_as_beside_another_that_does_not(
    kind: type[Readout], steps: slice
) -> None:
    z = torch.randn(3, 2, 9, 4, generator=torch.Generator().manual_seed(0))
    observed = torch.zeros(3, 9, dtype=torch.bool)
    observed[:2, steps] = True
    observed[2, 4:5] = True
    readout = kind(4)
    torch.testing.assert_close(readout(z[:2], observed[:2]), readout(z, observed)[:2])


def test_multiscale_of_one_step_repeats_it() -> None:
    out = MultiscaleReadout(1)(column(2.5), torch.tensor([[True]]))
    assert out.flatten().tolist() == [2.5] * 7


def test_attention_weights_by_hand() -> None:
    z = torch.tensor([[1.0, 0.0], [3.0, 2.0]]).view(1, 1, 2, 2)
    # mean (2, 1): products 2 and 8, divided by sqrt(2)
    second = 1.0 / (1.0 + math.exp(-6.0 / math.sqrt(2.0)))
    expected = torch.tensor([[[1.0 + 2.0 * second, 2.0 * second]]])
    torch.testing.assert_close(AttentionReadout(2)(z, torch.ones(1, 2, dtype=torch.bool)), expected)


def test_attention_of_equal_steps_is_that_step() -> None:
    z = torch.tensor([0.3, -2.0, 5.0]).expand(2, 2, 6, 3)
    torch.testing.assert_close(AttentionReadout(3)(z, torch.ones(2, 6, dtype=torch.bool)), z[:, :, 0])
