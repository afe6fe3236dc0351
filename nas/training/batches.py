"""Batches for training: the data lies on the device and windows are gathered by index."""

import torch
from torch import Tensor

from downstream.windows import Windows

MAX_TRAINING_STEPS = 128
MAX_STREAMS = 64


def batch_variates(variates: int, *, batch_size: int, independent: bool) -> int:
    """Return how many of the variates are in a batch: with separate streams no more than there is room for."""
    return min(variates, max(1, MAX_STREAMS // batch_size)) if independent else variates


class BatchSource:
    """Draws random batches from windows that live on one device.

    Windows longer than `MAX_TRAINING_STEPS` are trained on random cuts of them,
    and a batch of a channel-independent encoder holds at most `MAX_STREAMS`
    window-variate streams: a random subset of the variates serves each batch.

    Args:
        windows: The training windows.
        batch_size: Windows per batch; fewer when there are fewer windows.
        independent: Whether the encoder treats variates as separate streams.
        device: Where the values are kept.
        max_steps: Longest cut in time steps; None for `MAX_TRAINING_STEPS`.
    """

    def __init__(
        self,
        windows: Windows,
        *,
        batch_size: int,
        independent: bool,
        device: torch.device,
        max_steps: int | None = None,
    ) -> None:
        self._values = torch.as_tensor(windows.values, device=device)
        self._starts = torch.as_tensor(windows.starts, device=device)
        self._length = windows.length
        self._cut = min(windows.length, max_steps or MAX_TRAINING_STEPS)
        self._slack = self._free_steps()
        self._batch_size = min(batch_size, len(self._starts))
        self._n_variates = batch_variates(windows.n_variates, batch_size=self._batch_size, independent=independent)

    def _free_steps(self) -> Tensor:
        """How far each window's cut may start after the window does; padding at the end is avoided."""
        if self._cut == self._length:
            return torch.zeros_like(self._starts)
        observed = (~torch.isnan(self._values)).any(dim=1)
        steps = torch.arange(len(observed), device=observed.device)
        last_observed = torch.cummax(torch.where(observed, steps, -1), dim=0).values
        ends = last_observed[self._starts + self._length - 1] + 1
        return (ends - self._starts - self._cut).clamp(min=0)

    @property
    def n_windows(self) -> int:
        """Windows that batches are drawn from."""
        return len(self._starts)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Return one batch of distinct windows, shape (batch, time, variates)."""
        return self.draw_with_places(generator)[0]

    def draw_with_places(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the same, and the place of each among all windows, shape (batch,)."""
        device = self._values.device
        picked = torch.randperm(len(self._starts), generator=generator, device=device)[: self._batch_size]
        starts = self._starts[picked]
        if self._cut < self._length:
            share = torch.rand(len(starts), generator=generator, device=device)
            starts = starts + (share * (self._slack[picked] + 1)).long()
        batch = self._values[starts[:, None] + torch.arange(self._cut, device=device)]
        if self._n_variates < batch.shape[2]:
            chosen = torch.randperm(batch.shape[2], generator=generator, device=device)[: self._n_variates]
            batch = batch[:, :, chosen]
        return batch, picked
