"""A bank of short dilated kernels, one per feature: what `kernel_bank` and `trained_kernel_bank` share."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._operator import Operator

TAPS = 9
KERNELS = tuple(itertools.combinations(range(TAPS), 3))
"""Where each of the 84 kernels is 2; elsewhere it is -1."""
_SCALE = 1 / math.sqrt(3 * 2.0**2 + 6 * 1.0**2)
"""Makes every kernel as long as 1, so that a stack of them does not blow its latent up."""
_STEPS = 128  # window length that the dilations are for until the bank is fitted to another
_MOST_VARIATES = 9


class KernelBank(Operator):
    """Filter each feature by one two-valued kernel: -1 at six of nine taps, 2 at the others, scaled to length 1.

    As many dilations as there are whole sets of 84 kernels, spread evenly on a log scale up to a reach of the whole
    window; `fit` says how long that is. A feature of an encoder that begins with the bank reads the sum of a random
    subset of the variates (`prepare`).

    Deliberate differences from MiniRocket: always padded with zeros, as a step must be answered by a step; the
    kernels of a set that is not whole are drawn.
    """

    trained: ClassVar[bool]
    kernels: Tensor
    dilations: Tensor

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        # on the CPU even where the shapes alone are asked for: sizes follow from the dilations
        with torch.device("cpu"):
            n_sets = max(1, round(hidden / len(KERNELS)))
            of_set = torch.arange(hidden) * n_sets // hidden
            number = torch.cat([_draw(int(size)) for size in of_set.bincount()])
            kernels = torch.full((len(KERNELS), TAPS), -1.0)
            kernels[torch.arange(len(KERNELS))[:, None], torch.tensor(KERNELS)] = 2.0
            self._of_set, self._n_sets = of_set, n_sets
            self.register_buffer("dilations", _dilations(_STEPS, n=n_sets)[of_set])
        if self.trained:
            self.kernels = nn.Parameter(kernels[number])
        else:
            self.register_buffer("kernels", kernels[number])
        self._runs = self._counted()
        self.register_load_state_dict_post_hook(_recount)  # type: ignore[no-untyped-call]

    def fit(self, steps: int) -> None:
        """Spread the dilations for windows of so many steps."""
        self.dilations.copy_(_dilations(steps, n=self._n_sets)[self._of_set])
        self._runs = self._counted()

    @property
    def runs(self) -> Iterator[tuple[slice, int]]:
        """The features of each dilation, and that dilation."""
        begin = 0
        for size, dilation in self._runs:
            yield slice(begin, begin + size), dilation
            begin += size

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Filter over time; (batch, streams, time, hidden)."""
        steps, filtered = x.shape[2], []
        for part, dilation in self.runs:
            reach = TAPS // 2 * dilation
            padded = F.pad(x[..., part], (0, 0, reach, reach))
            taps = [padded[:, :, tap * dilation : tap * dilation + steps] for tap in range(TAPS)]
            kernels = _SCALE * self.kernels[part].T
            filtered.append(sum(tap * weights for tap, weights in zip(taps, kernels, strict=True)))
        return torch.cat(filtered, dim=-1)

    def responses(self, series: Tensor, projection: nn.Linear) -> Iterator[tuple[slice, Tensor]]:
        """Yield what `forward` makes of projected series, dilation by dilation, time last; nothing wider is ever held.

        Args:
            series: (rows, variates of a stream, time).
            projection: The map from variates to features; it adds nothing.

        Yields:
            Which features, and their values, (rows, some features, time).
        """
        rows, variates, steps = series.shape
        for part, dilation in self.runs:
            reach = TAPS // 2 * dilation
            padded = F.pad(series, (reach, reach))
            taps = torch.stack([padded[..., tap * dilation : tap * dilation + steps] for tap in range(TAPS)], dim=2)
            weights = _SCALE * projection.weight[part, :, None] * self.kernels[part, None, :]
            yield part, weights.flatten(1) @ taps.reshape(rows, variates * TAPS, steps)

    def prepare(self, projection: nn.Linear) -> None:
        """Make features of variates: each the sum of a random subset of at most nine of them."""
        with torch.no_grad(), torch.device("cpu"):
            hidden, variates = projection.weight.shape
            largest = math.log2(min(variates, _MOST_VARIATES) + 1)
            sizes = (2.0 ** (torch.rand(hidden) * largest)).long().clamp(1, variates)
            places = torch.rand(hidden, variates).argsort(dim=1).argsort(dim=1)
            chosen = (places < sizes[:, None]).to(projection.weight.dtype)
            projection.weight.copy_(chosen)
            projection.bias.zero_()

    def _counted(self) -> list[tuple[int, int]]:
        """Return how many features each dilation has, in their order, and the dilation."""
        if self.dilations.is_meta:
            return []
        values, counts = torch.unique_consecutive(self.dilations.cpu(), return_counts=True)
        return list(zip(counts.tolist(), values.tolist(), strict=True))


def _recount(module: nn.Module, _: Any) -> None:
    module._runs = module._counted()  # type: ignore[operator]


def _draw(size: int) -> Tensor:
    """Return the numbers of so many kernels, none more often than needed."""
    whole, rest = divmod(size, len(KERNELS))
    return torch.cat([torch.arange(len(KERNELS)).repeat(whole), torch.randperm(len(KERNELS))[:rest]])


def _dilations(steps: int, *, n: int) -> Tensor:
    """Return `n` dilations, 1 to what lets a kernel span the window."""
    largest = max(1.0, (steps - 1) / (TAPS - 1))
    return (2.0 ** torch.linspace(0.0, math.log2(largest), n)).floor().long()
