"""Reading out a bank of kernels run by run: the latent of all its features at all steps never exists."""

import torch
from torch import Tensor

from encoders.operators._kernel_bank import KernelBank
from encoders.readouts._by_feature import FeatureReadout
from encoders.readouts._readout import Readout

_AT_A_TIME = 1 << 21
"""Values of a run that are worked on at a time: they fit the processor's cache."""


def read_by_run(
    bank: KernelBank, readout: FeatureReadout, *, series: Tensor, weight: Tensor, counted: Tensor
) -> Tensor:
    """Return what a readout gives of everything that a bank makes of series.

    Args:
        bank: The only operator of an encoder.
        readout: Takes the features of each run without the others.
        series: Without missing values; (rows, columns, time).
        weight: Of the projection before the bank; (hidden, columns).
        counted: 1 at the steps that count, else 0; (rows, time, 1).

    Returns:
        (rows, out_features).
    """
    largest = max(run.features.stop - run.features.start for run in bank.runs)
    # gradients keep everything anyway
    rows = len(series) if readout.training else max(1, _AT_A_TIME // (largest * series.shape[-1]))
    read = []
    for some, some_counted in zip(torch.split(series, rows), torch.split(counted, rows), strict=True):
        runs = bank.responses(some, weight)
        read.append(torch.cat([readout.summary(z, some_counted, part).flatten(1) for part, z in runs], dim=-1))
    return torch.cat(read)


def readable_by_run(bank: KernelBank, readout: Readout) -> bool:
    """Return whether the readout takes the features of each run of the bank without the others."""
    return isinstance(readout, FeatureReadout) and all(readout.takes(run.features) for run in bank.runs)
