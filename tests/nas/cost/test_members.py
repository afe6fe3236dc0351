"""What the members of a combination are said to be and to cost."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from compute.products import only_torchs_products
from encoders.combined import CombinedEncoder
from encoders.encoder import Encoder
from nas.cost.encoder_cost import encoder_counts, encoder_weights
from nas.cost.members import Member, members_text, size_of
from search_space.presets import preset

NAMES = ("minirocket", "hydra_spectral", "ts2vec", "patchtst")
VARIATES, STEPS = 3, 40


@pytest.mark.parametrize("name", NAMES)
def test_a_size_is_what_the_cost_model_and_torch_count(name: str) -> None:
    cell = preset(name).encoder
    size = size_of(cell, variates=VARIATES, steps=STEPS)
    encoder = Encoder(cell, variates=VARIATES).eval()
    assert size.parameters == encoder_weights(cell, variates=VARIATES).numbers
    x = torch.randn(1, STEPS, VARIATES)
    with torch.no_grad(), only_torchs_products(), FlopCounterMode(display=False) as counted:
        assert encoder.represent(x).numel() == size.features
    assert size.multiply_adds == counted.get_total_flops() // 2
    if name == "ts2vec":  # which nothing but the readout follows
        assert size.multiply_adds == encoder_counts(cell, windows=1, variates=VARIATES, steps=STEPS).multiply_adds


def test_a_combination_is_the_sum_of_its_members() -> None:
    genotypes = [preset(name) for name in NAMES]
    members = [Member(genotype, weight, 50) for genotype, weight in zip(genotypes, (0.4, 0.3, 0.2, 0.1), strict=True)]
    first, *lines = members_text(members, variates=VARIATES, steps=STEPS)
    numbers = np.array(
        [[int(n.replace(",", "")) for n in re.findall(r"[\d,]+(?= [pfm])", line)] for line in lines[::2]]
    )
    together = CombinedEncoder([Encoder(genotype.encoder, variates=VARIATES) for genotype in genotypes])
    assert numbers.shape == (4, 3) and tuple(numbers[:, 1]) == together.blocks
    parameters, features, multiply_adds = numbers.sum(axis=0)
    assert parameters == sum(weight.numel() for weight in together.parameters())
    assert first == (
        f"4 encoders side by side: {parameters:,} parameters, {features:,} features, "
        f"{multiply_adds:,} multiply-adds per window"
    )
    for genotype, line, encoder in zip(genotypes, lines[::2], lines[1::2], strict=True):
        assert f"{genotype.key}, 50 iterations" in line and encoder.strip() in genotype.describe()
    assert [line[:13] for line in lines[::2]] == ["  weight 0.40", "  weight 0.30", "  weight 0.20", "  weight 0.10"]
