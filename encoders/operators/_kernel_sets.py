"""Banks of one family of kernels, in sets that share a dilation."""

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._kernel_bank import KernelBank, Run

TAPS = 9
_STEPS = 128  # window length that the dilations are for until the bank is fitted to another
_MOST_VARIATES = 9


class KernelSets(KernelBank):
    """Filter each feature by one kernel of a family, in sets that have a dilation each.

    The dilations are spread evenly on a log scale up to a reach of the whole window; `fit` says how long that is.
    With two inputs, a set of each shares a dilation.

    Deliberate difference from the Rocket family: always padded with zeros, as a step must be answered by a step.
    """

    set_size: ClassVar[int]
    """Kernels of a whole set; there are as many sets as come nearest to whole ones."""
    together: ClassVar[int] = 1
    """Consecutive kernels that one set holds."""
    scale: ClassVar[float] = 1.0
    """What kernels are multiplied by when they are used."""
    kernels: Tensor
    dilations: Tensor

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        # on the CPU even where the shapes alone are asked for: sizes follow from the dilations
        with torch.device("cpu"):
            n_sets = max(1, round(hidden / self.set_size))
            of_set = torch.arange(hidden) // self.together * n_sets // math.ceil(hidden / self.together)
            kernels = torch.cat([self._drawn(int(size)) for size in of_set.bincount()])
            self._of_set, self._n_sets = of_set, n_sets
            self.register_buffer("dilations", _dilations(_STEPS, n=n_sets)[of_set])
        if self.trained:
            self.kernels = nn.Parameter(kernels)
        else:
            self.register_buffer("kernels", kernels)
        self._inputs, self._columns = 1, 1  # inputs, and columns of each
        self._runs = self._counted()
        self.register_load_state_dict_post_hook(_recount)  # type: ignore[no-untyped-call]

    @staticmethod
    def _drawn(size: int) -> Tensor:
        """Return the kernels of a set of so many; (size, TAPS)."""
        raise NotImplementedError("a family of kernels must implement _drawn(size)")

    def fit(self, steps: int) -> None:
        """Spread the dilations for windows of so many steps."""
        with torch.device("cpu"):
            spread = _dilations(steps, n=math.ceil(self._n_sets / self._inputs))
        self.dilations.copy_(spread[self._of_set // self._inputs])
        self._runs = self._counted()

    @property
    def runs(self) -> Iterator[Run]:
        """The runs, in the order of their features."""
        begin = 0
        for size, dilation, number in self._runs:
            columns = slice(number * self._columns, (number + 1) * self._columns)
            yield Run(slice(begin, begin + size), dilation, columns)
            begin += size

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Filter over time; (batch, streams, time, hidden)."""
        if torch.compiler.is_compiling():
            return self._in_graph(x)
        steps, filtered = x.shape[2], []
        for part, dilation, _ in self.runs:
            reach = TAPS // 2 * dilation
            padded = F.pad(x[..., part], (0, 0, reach, reach))
            taps = [padded[:, :, tap * dilation : tap * dilation + steps] for tap in range(TAPS)]
            kernels = self.scale * self.kernels[part].T
            filtered.append(sum(tap * weights for tap, weights in zip(taps, kernels, strict=True)))
        return torch.cat(filtered, dim=-1)

    def _in_graph(self, x: Tensor) -> Tensor:
        """Do what `forward` does with few operations: all features of a dilation together, whatever they read."""
        series = x.flatten(0, 1).transpose(1, 2)  # (rows, hidden, time)
        places: dict[int, list[int]] = {}
        for part, dilation, _ in self.runs:
            places.setdefault(dilation, []).extend(range(part.start, part.stop))
        filtered = [
            F.conv1d(
                series[:, chosen],
                self.scale * self.kernels[chosen, None],
                padding=TAPS // 2 * dilation,
                dilation=dilation,
                groups=len(chosen),
            )
            for dilation, chosen in places.items()
        ]
        as_filtered = [place for chosen in places.values() for place in chosen]
        order = sorted(range(len(as_filtered)), key=as_filtered.__getitem__)
        together = torch.cat(filtered, dim=1)[:, order].transpose(1, 2)
        return together.reshape(x.shape[0], x.shape[1], -1, self.hidden)

    def responses(self, series: Tensor, weight: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield the values of each run (`KernelBank.responses`)."""
        rows, _, steps = series.shape
        for part, dilation, columns in self.runs:
            reach = TAPS // 2 * dilation
            padded = F.pad(series[:, columns], (reach, reach))
            taps = torch.stack([padded[..., tap * dilation : tap * dilation + steps] for tap in range(TAPS)], dim=2)
            weights = self.scale * weight[part, columns, None] * self.kernels[part, None, :]
            yield part, weights.flatten(1) @ taps.reshape(rows, -1, steps)

    def read(self, columns: int, *, inputs: int) -> Tensor:
        """Draw a subset of the columns of one input for each feature; sets take the inputs in turns."""
        assert columns % inputs == 0, "every input has the same variates"
        variates = columns // inputs
        self._inputs, self._columns = inputs, variates
        self.fit(_STEPS)
        with torch.device("cpu"):
            largest = math.log2(min(variates, _MOST_VARIATES) + 1)
            sizes = (2.0 ** (torch.rand(self.hidden) * largest)).long().clamp(1, variates)
            places = torch.rand(self.hidden, variates).argsort(dim=1).argsort(dim=1)
            chosen = torch.zeros(self.hidden, inputs, variates)
            chosen[torch.arange(self.hidden), self._of_set % inputs] = (places < sizes[:, None]).to(chosen.dtype)
        return chosen.flatten(1)

    def _counted(self) -> list[tuple[int, int, int]]:
        """Return of each run, in their order, how many features it has, its dilation, and which input it reads."""
        if self.dilations.is_meta:
            return []
        reads = torch.stack([self.dilations.cpu(), self._of_set % self._inputs])
        values, counts = torch.unique_consecutive(reads, return_counts=True, dim=1)
        return [(size, *of_run) for size, of_run in zip(counts.tolist(), values.T.tolist(), strict=True)]


def _recount(module: nn.Module, _: Any) -> None:
    module._runs = module._counted()  # type: ignore[operator]


def _dilations(steps: int, *, n: int) -> Tensor:
    """Return `n` dilations, 1 to what lets a kernel span the window."""
    largest = max(1.0, (steps - 1) / (TAPS - 1))
    return (2.0 ** torch.linspace(0.0, math.log2(largest), n)).floor().long()
