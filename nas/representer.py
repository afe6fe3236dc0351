"""What a trained encoder offers to probes: windows in, pooled representations out."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from compute.memory import at_a_time, is_limited
from downstream.windows import Windows
from encoders.combined import AnyEncoder, CombinedEncoder
from nas.cost.encoder_cost import bytes_per_window
from nas.training.divergence import DivergedError

TOKENS_PER_BATCH = 1 << 15


class Representer:
    """Represents windows with a frozen encoder, in batches of bounded size.

    Args:
        encoder: The encoder; it is put in evaluation mode for each call.
        device: Where it runs.
        tokens_per_batch: Window-variate steps that are encoded at once; fewer where a memory budget asks for that.
        weights: What each member of a combination counts for probes; by default all alike.

    Attributes:
        members: The number of the member of a combination that each feature of a stream belongs to, (features,); None
            for a plain encoder.
        weights: What each member counts; None for all alike.
    """

    def __init__(
        self,
        encoder: AnyEncoder,
        *,
        device: torch.device | str = "cpu",
        tokens_per_batch: int = TOKENS_PER_BATCH,
        weights: Sequence[float] | None = None,
    ) -> None:
        self._encoder = encoder
        self._device = torch.device(device)
        self._tokens = tokens_per_batch
        self.weights = None if weights is None else tuple(weights)
        self.members: NDArray[np.int64] | None = None
        if isinstance(encoder, CombinedEncoder):
            self.members = encoder.member_of_feature[: encoder.representation_features]

    def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        """Return one pooled representation per window and stream.

        Args:
            windows: The windows.
            mask_last: Hide the values of the last step of every window; the step is represented from the others.

        Returns:
            Representations, shape (n_windows, streams, features).

        Raises:
            DivergedError: If a representation is not finite.
            MemoryBudgetError: If a single window needs more than the memory budget leaves to it.
        """
        if not len(windows):
            return np.empty((0, self._encoder.streams, self._encoder.representation_features), dtype=np.float32)

        def represent(x: Tensor) -> Tensor:
            masked = None
            if mask_last:
                masked = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
                masked[:, -1] = True
            return self._encoder.represent(x, masked=masked)

        out = in_batches(self._encoder, represent, windows, size=self._windows_per_batch(windows), device=self._device)
        if not np.isfinite(out).all():
            raise DivergedError("the encoder gives representations that are not finite")
        return out

    def _windows_per_batch(self, windows: Windows) -> int:
        most = max(1, self._tokens // tokens_of(self._encoder, steps=windows.length))
        if not is_limited():
            return most
        sizes = {"variates": windows.n_variates, "steps": windows.length}
        each = sum(bytes_per_window(member.cell, **sizes) for member in self._encoder.members)
        return at_a_time(most, "window", bytes_each=each)


def tokens_of(encoder: AnyEncoder, *, steps: int) -> int:
    """Return how many steps of streams the member with the most of them encodes for one window."""
    return steps * max(member.streams for member in encoder.members)


def in_batches(
    model: nn.Module, forward: Callable[[Tensor], Tensor], windows: Windows, *, size: int, device: torch.device
) -> NDArray[np.float32]:
    """Return what `forward` makes of windows, at least one, with a model in evaluation mode and without gradients."""
    was_training = model.training
    model.eval()
    out = np.empty(0, dtype=np.float32)
    with torch.inference_mode():
        for begin in range(0, len(windows), size):
            x = torch.as_tensor(windows.gather(slice(begin, begin + size)), device=device)
            batch = forward(x).float().cpu().numpy()
            if begin == 0:
                out = np.empty((len(windows), *batch.shape[1:]), dtype=np.float32)
            out[begin : begin + size] = batch
    model.train(was_training)
    return out
