"""WITRAN whose gates are convolutions over the features of the states and of the input."""

from torch import Tensor, nn

from encoders.operators._grid_recurrence import GridRecurrence
from encoders.operators._recurrence import start_uniform
from search_space.registry import register

TAPS = 9
"""Neighbouring features that a gate reads of each state and of the input."""
_READ, _GATES = 3, 6


@register(
    "operator",
    "witran_conv",
    causal=True,
    source="WITRAN, Jia et al. 2023, NeurIPS 36, with gates as in ConvLSTM, Shi et al. 2015, arXiv:1506.04214, eq. (3)",
)
class WitranConv(GridRecurrence):
    """Compute the gates of `witran` by convolutions over features in place of linear maps.

    The states of row and column and the input are three channels, gates and
    candidates six; each reads nine neighbouring features of every channel, with
    the same 162 weights for all features. With the map of both states to the
    output that is a tenth of `witran`'s weights.

    Deliberate difference from ConvLSTM: the axis that is convolved over is the
    latent's own, whose order means nothing until it is trained; a grid in space,
    as there, is something that a series does not have.
    """

    def _map(self) -> nn.Module:
        return GateConvolution()

    def _start(self) -> None:
        start_uniform(self, hidden=self.hidden)
        start_uniform(self.gates, hidden=_READ * TAPS)  # by what a gate reads


class GateConvolution(nn.Conv1d):
    """Six gates of every feature from three vectors, by one convolution over features; zeros beyond the ends."""

    def __init__(self) -> None:
        super().__init__(_READ, _GATES, TAPS, padding=TAPS // 2)

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., 3 * hidden) to (..., 6 * hidden), gate by gate."""
        gates = super().forward(input.reshape(-1, _READ, input.shape[-1] // _READ))  # (rows, 6, hidden)
        return gates.view(*input.shape[:-1], -1)
