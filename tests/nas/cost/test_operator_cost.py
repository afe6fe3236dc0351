"""What grids, gates and tables cost, by hand and against the whole encoder."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from encoders.encoder import Encoder
from encoders.operators.co_action import WIDTHS
from encoders.operators.state_frequency_memory import FREQUENCIES
from encoders.operators.witran_conv import TAPS
from nas.cost.counting import trace
from nas.cost.encoder_cost import encoder_counts, encoder_weights
from search_space.genotype import EncoderCell
from search_space.presets import preset

WINDOWS, VARIATES, STEPS, HIDDEN = 6, 3, 24, 8
CELLS = 32
"""Of the grid of 24 steps: two rows of 16, the second filled up."""
INDUCED = WIDTHS[0] * WIDTHS[1] + WIDTHS[1] * WIDTHS[2]


def one_edge(op: str, **changes: Any) -> EncoderCell:
    cell = preset("ts2vec").encoder
    plain = {"edges": ((0, op),), "blocks": 1, "hidden": HIDDEN, "output": 5, "dropout": 0.0, **changes}
    return dataclasses.replace(cell, **plain)


def counted(op: str, **changes: Any) -> Any:
    return encoder_counts(one_edge(op, **changes), windows=WINDOWS, variates=VARIATES, steps=STEPS)


@pytest.mark.parametrize(
    ("op", "by_hand"),
    [
        ("witran", CELLS * (18 + 2) * HIDDEN**2),
        ("witran_conv", CELLS * (18 * TAPS * HIDDEN + 2 * HIDDEN**2)),
        # beside the gates of witran two factors per frequency; products with a vector are not counted
        ("witran_frequency", CELLS * (20 * HIDDEN**2 + 3 * HIDDEN * 2 * FREQUENCIES)),
        ("moe", STEPS * (4 * HIDDEN + 4 * HIDDEN + 8 * HIDDEN**2)),
        # the gates' matrices, and their products with the step
        ("mmoe", STEPS * (4 * HIDDEN + 4 * HIDDEN + 8 * HIDDEN**2 + 4 * HIDDEN**2 + 4 * HIDDEN)),
        (
            "co_action",
            STEPS * (HIDDEN * (WIDTHS[0] + INDUCED) + INDUCED + (HIDDEN + WIDTHS[1] + WIDTHS[2]) * HIDDEN),
        ),
    ],
)
def test_multiply_adds_by_hand(op: str, by_hand: int) -> None:
    own = counted(op) - counted("identity")
    assert own.multiply_adds == WINDOWS * by_hand


def test_attention_over_both_axes_costs_both_and_what_joins_them() -> None:
    channels = {"channels": "independent"}
    plain = counted("identity", **channels)
    apart = [counted(op, **channels) - plain for op in ("variate_attention", "temporal_attention")]
    own = counted("both_axes_attention", **channels) - plain
    join = WINDOWS * VARIATES * STEPS * 2 * HIDDEN**2
    assert own.multiply_adds == apart[0].multiply_adds + apart[1].multiply_adds + join


@pytest.mark.parametrize("name", ["can", "fieldy", "ft_transformer", "mmoe", "witran_frequency", "witran_signed"])
def test_the_pieces_of_a_preset_add_up_to_the_whole(name: str) -> None:
    cell = dataclasses.replace(preset(name).encoder, hidden=HIDDEN, output=5)
    encoder = Encoder(cell, variates=VARIATES)
    x = torch.randn(WINDOWS, STEPS, VARIATES, generator=torch.Generator().manual_seed(0))
    whole = trace(lambda inputs: encoder(inputs[0]), [x], parameters=[*encoder.parameters(), *encoder.buffers()]).counts
    pieces = encoder_counts(cell, windows=WINDOWS, variates=VARIATES, steps=STEPS)
    assert encoder_weights(cell, variates=VARIATES).numbers == sum(weight.numel() for weight in encoder.parameters())
    assert pieces.multiply_adds == pytest.approx(whole.multiply_adds, rel=1e-6)
    assert pieces.training_multiply_adds == pytest.approx(whole.training_multiply_adds, rel=1e-6)
    assert pieces.kept_bytes == pytest.approx(whole.kept_bytes, rel=0.1)
    assert pieces.kernels == pytest.approx(whole.kernels, rel=0.2)
