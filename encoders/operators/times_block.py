"""TimesNet's block: every stream on the grid of its own periods, convolved in two dimensions."""

from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import GraphLengths, Operator
from search_space.registry import register

PERIODS = 2
KERNELS = (1, 3, 5)

_TIE = 1e-6


@register("operator", "times_block", source="TimesNet, Wu et al. 2023, arXiv:2210.02186, eq. (1)-(6)")
class TimesBlock(Operator):
    """Convolve a stream on the grids of its two strongest periods and add both, weighted by their amplitudes.

    A grid has one row per cycle and one column per place in the cycle, so a
    kernel sees neighbouring steps and the same place in neighbouring cycles.
    The result is added to the latent.

    Deliberate differences: every stream of every window has its own periods,
    those of its observed span, where the published code takes one set for the
    whole batch; a kernel that leaves a row goes on in the next cycle, as time
    does, instead of meeting zeros, which also makes one fixed shape of all
    periods; amplitudes are scaled by 1 / sqrt(n), so that the softmax over them
    does not harden with the length of the window; two periods and kernels up to
    5 x 5, where the source goes up to five and 11 x 11; the kernels are
    depthwise, followed by a linear map over features, many times cheaper.

    The lengths of a batch are looked at outside the graph of tensors, so an
    encoder with this operator cannot be exported as one.
    """

    graph: ClassVar[GraphLengths] = "none"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.first = InceptionConvolution(hidden)
        self.second = InceptionConvolution(hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Convolve on the grids; (batch, streams, time, hidden)."""
        batch, streams, time, hidden = x.shape
        inside = torch.ones(batch, time, dtype=torch.bool, device=x.device) if span is None else span
        inside = (inside | ~inside.any(dim=1, keepdim=True)).repeat_interleave(streams, dim=0)
        rows = x.flatten(0, 1)  # (batch * streams, time, hidden)
        strongest = strongest_periods(rows, inside)
        taps = _tap_index(strongest.periods.flatten(), inside.repeat_interleave(PERIODS, dim=0))
        grids = rows.repeat_interleave(PERIODS, dim=0)  # (batch * streams * periods, time, hidden)
        grids = self.second(F.gelu(self.first(grids, taps)), taps)
        weighted = grids.view(-1, PERIODS, time, hidden) * strongest.weights[:, :, None, None]
        result: Tensor = x + weighted.sum(dim=1).view(x.shape)
        return result


class Periods(NamedTuple):
    """The periods of some rows, strongest first, in steps, and their weights, which sum to 1; (rows, 2)."""

    periods: Tensor
    weights: Tensor


def strongest_periods(rows: Tensor, inside: Tensor) -> Periods:
    """Find the two periods of largest amplitude, averaged over the features (eq. 1).

    Frequency f of n steps stands for a period of ceil(n / f) steps. Equal
    amplitudes go to the longer period; the margin for that, far below any
    amplitude that matters, keeps rounding from choosing. Where a row has fewer
    than two frequencies (n < 4), period 1 fills up, with weight 0 unless it is alone.

    Args:
        rows: (rows, time, hidden).
        inside: True at the steps of a row, one stretch, never empty; (rows, time).

    Returns:
        Periods and weights; (rows, 2).
    """
    periods = torch.ones(len(rows), PERIODS, dtype=torch.long, device=rows.device)
    weights = rows.new_zeros(len(rows), PERIODS)
    for (start, stop), members in _equal_spans(inside).items():
        steps = stop - start
        if steps == 1:
            weights[members, 0] = 1.0
            continue
        spectrum = torch.fft.rfft(rows[members, start:stop], dim=1, norm="ortho").abs().mean(dim=2)
        amplitudes = spectrum[:, 1:]  # frequency 0 is the mean
        frequencies = torch.arange(1, steps // 2 + 1, device=rows.device)
        handicap = _TIE * spectrum.sum(dim=1, keepdim=True) * frequencies
        chosen = (amplitudes - handicap).argsort(dim=1, descending=True, stable=True)[:, :PERIODS]
        periods[members, : chosen.shape[1]] = (steps + chosen) // (chosen + 1)  # ceil(n / f), f = chosen + 1
        weights[members, : chosen.shape[1]] = amplitudes.gather(1, chosen).softmax(dim=1)
    return Periods(periods, weights)


class InceptionConvolution(nn.Module):
    """The mean of depthwise convolutions with square kernels of several sizes, then a linear map over features.

    The kernels are added up before they are applied: one convolution gives the
    sum of several.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.kernels = nn.ParameterList(torch.empty(hidden, 1, size, size) for size in KERNELS)
        for kernel in self.kernels:
            nn.init.kaiming_normal_(kernel, nonlinearity="relu")
        self.over_features = Linear(hidden, hidden)

    def forward(self, rows: Tensor, taps: Tensor) -> Tensor:
        """Return, at step t, the sum of kernel[i, j] x_(t + i period + j) with i and j in -2..2.

        Args:
            rows: (rows, time, hidden).
            taps: What `_tap_index` says; (rows, 5, time + 4).

        Returns:
            (rows, time, hidden).
        """
        grown = [F.pad(kernel, [(max(KERNELS) - kernel.shape[-1]) // 2] * 4) for kernel in self.kernels]
        kernel = torch.stack(grown).mean(dim=0)
        with_zero = F.pad(rows.flatten(0, 1), (0, 0, 0, 1))
        seen = with_zero.index_select(0, taps.flatten()).view(*taps.shape, -1)  # (rows, cycles, time + 4, hidden)
        filtered = F.conv2d(seen.permute(0, 3, 1, 2), kernel, groups=len(kernel))
        return self.over_features(filtered[:, :, 0].transpose(1, 2))  # type: ignore[no-any-return]


def _tap_index(periods: Tensor, inside: Tensor) -> Tensor:
    """Say where in the flattened rows each kernel row finds its steps; the place after the last holds a zero.

    Args:
        periods: (rows,).
        inside: True at the steps that may be read; (rows, time).

    Returns:
        For the same place in the cycles -2..2 from now, steps -2..time + 1; (rows, 5, time + 4).
    """
    rows, time = inside.shape
    side = max(KERNELS) // 2
    steps = torch.arange(-side, time + side, device=inside.device)
    cycles = torch.arange(-side, side + 1, device=inside.device)
    place = steps + cycles[:, None] * periods[:, None, None]
    own = torch.arange(rows, device=inside.device)[:, None, None]
    readable = (place >= 0) & (place < time) & inside[own, place.clamp(0, time - 1)]
    return (place + own * time).masked_fill(~readable, rows * time)


def _equal_spans(inside: Tensor) -> dict[tuple[int, int], list[int]]:
    """Group rows (rows, time) by their first step and the step after their last."""
    starts = inside.int().argmax(dim=1)
    stops = starts + inside.sum(dim=1)
    groups: dict[tuple[int, int], list[int]] = {}
    for row, extent in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        groups.setdefault(extent, []).append(row)
    return groups
