"""What all banks of kernels are: one kernel per feature, computed run by run where a bank is all of an encoder."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from encoders.operators._operator import Operator


class Run(NamedTuple):
    """Consecutive features whose kernels have the same dilation and read the same columns.

    Attributes:
        features: Which they are; both ends are numbers.
        dilation: Steps from tap to tap.
        columns: What they read of an encoder that begins with the bank.
    """

    features: slice
    dilation: int
    columns: slice


class KernelBank(Operator):
    """Filter each feature by one short dilated kernel.

    A feature of an encoder that begins with the bank reads the sum of a random subset of the variates (`prepare`).
    """

    trained: ClassVar[bool]
    """Whether the kernels learn."""

    @property
    def runs(self) -> Iterator[Run]:
        """The runs, in the order of their features."""
        raise NotImplementedError(f"{type(self).__name__} must implement runs")

    def responses(self, series: Tensor, weight: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield what `forward` makes of projected series, run by run, time last; nothing wider is ever held.

        Args:
            series: (rows, columns, time).
            weight: Of the projection, which adds nothing, as `prepare` left it; (hidden, columns).

        Yields:
            Which features, and their values, (rows, some features, time).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement responses(series, weight)")

    def read(self, columns: int, *, inputs: int) -> Tensor:
        """Draw what each feature reads, and remember it.

        Args:
            columns: How many columns there are, as many of each input, one input after the other.
            inputs: How many inputs there are.

        Returns:
            1 where a feature reads a column, else 0; (hidden, columns).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement read(columns, inputs)")

    def prepare(self, projection: nn.Linear, inputs: int = 1) -> None:
        """Make features of variates, once for all: each the sum of a random subset of at most nine of one input.

        Args:
            projection: From columns to features; the columns are the variates of the first input, then those of the
                next.
            inputs: 2 where the differences of the series follow the series themselves; sets of kernels then read
                the one and the other in turns.
        """
        with torch.no_grad():
            projection.weight.copy_(self.read(projection.in_features, inputs=inputs))
            projection.bias.zero_()
        projection.requires_grad_(False)
