"""Two-valued kernels beside normal ones; none learns."""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn

from encoders.halves import first_half
from encoders.operators._kernel_bank import KernelBank, Run
from encoders.operators.gaussian_kernel_bank import FrozenGaussianKernelBank
from encoders.operators.kernel_bank import FrozenKernelBank
from search_space.registry import register


@register(
    "operator", "mixed_kernel_bank", source="MiniRocket, arXiv:2012.08791, and Hydra, arXiv:2203.13652, side by side"
)
class MixedKernelBank(KernelBank):
    """Filter the first half of the features as `kernel_bank` and the others as `gaussian_kernel_bank`; nothing learns.

    Each half has its own spread of dilations, and the halves are those of the readout `multirocket_hydra`.
    """

    trained: ClassVar[bool] = False

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        first = first_half(hidden)
        halves: list[KernelBank] = [FrozenKernelBank(first, depth=depth, dropout=dropout)]
        if first < hidden:
            halves.append(FrozenGaussianKernelBank(hidden - first, depth=depth, dropout=dropout))
        self.halves = nn.ModuleList(halves)

    @property
    def runs(self) -> Iterator[Run]:
        """The runs of the first half, then those of the second."""
        for place, half in self._placed():
            for run in half.runs:
                yield run._replace(features=_moved(run.features, place.start))

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Filter over time; (batch, streams, time, hidden)."""
        return torch.cat([half(x[..., place], span) for place, half in self._placed()], dim=-1)

    def responses(self, series: Tensor, weight: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield the values of each run (`KernelBank.responses`)."""
        for place, half in self._placed():
            for part, values in half.responses(series, weight[place]):
                yield _moved(part, place.start), values

    def read(self, columns: int, *, inputs: int) -> Tensor:
        """Draw what each feature reads, half by half; (hidden, columns)."""
        return torch.cat([half.read(columns, inputs=inputs) for _, half in self._placed()])

    def _placed(self) -> Iterator[tuple[slice, KernelBank]]:
        """Yield which features a half has, and the half."""
        begin = 0
        for half in self.halves:
            assert isinstance(half, KernelBank), "halves are banks"
            yield slice(begin, begin + half.hidden), half
            begin += half.hidden


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
