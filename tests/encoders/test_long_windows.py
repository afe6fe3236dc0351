"""Operators whose steps meet across the whole window, on windows of thousands of steps."""

from __future__ import annotations

import pytest
import torch

from encoders.operators._operator import Operator
from encoders.operators.both_axes_attention import BothAxesAttention
from encoders.operators.co_action import CoAction
from encoders.operators.cross_variate_attention import CrossVariateAttention
from encoders.operators.factorized_mixer import FactorizedMixer
from encoders.operators.frequency_linear import FrequencyLinear
from encoders.operators.mixer import Mixer
from encoders.operators.mmoe import Mmoe
from encoders.operators.prob_sparse_attention import ProbSparseAttention
from encoders.operators.times_block import TimesBlock
from encoders.operators.witran_conv import WitranConv
from encoders.operators.witran_frequency import WitranFrequency

KINDS = [
    BothAxesAttention,
    CoAction,
    CrossVariateAttention,
    FactorizedMixer,
    FrequencyLinear,
    Mixer,
    Mmoe,
    ProbSparseAttention,
    TimesBlock,
    WitranConv,
    WitranFrequency,
]


@pytest.mark.parametrize("kind", KINDS)
def test_no_allocation_comes_near_the_square_of_the_steps(kind: type[Operator]) -> None:
    operator = kind(16, depth=0, dropout=0.1).eval()
    x = torch.randn(1, 2, 4000, 16, generator=torch.Generator().manual_seed(0))
    span = torch.ones(1, 4000, dtype=torch.bool)
    span[:, 3000:] = False
    x[:, :, 3000:] = 0.0
    with torch.no_grad(), torch.profiler.profile(profile_memory=True) as profile:
        assert operator(x, span).isfinite().all()
    largest_bytes = max(event.cpu_memory_usage for event in profile.events() or [])
    assert 0 < largest_bytes < 4000 * 4000
