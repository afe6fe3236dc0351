"""The signature that every readout shares."""

from typing import ClassVar

from torch import Tensor, nn

from encoders.export import surely


class Readout(nn.Module):
    """A summary of a stream's steps that ignores unobserved ones and, but for one that is fitted, has no weights.

    A window without any observed step reads out as zeros.

    Args:
        features: Width of the representation of one step, >= 1.

    Raises:
        ValueError: If `features` is less than 1.
    """

    parts: ClassVar[int] = 1
    """How many vectors of width `features` the readout concatenates."""
    fitted: ClassVar[bool] = False
    """Whether it is fitted to training windows before it is used, and learns (`encoders.readouts._thresholds`)."""
    stride: ClassVar[int] = 1
    """Which steps of a wholly observed window the readout looks at (`encoders.strides`)."""

    compares: ClassVar[bool] = False
    """Whether it counts steps by comparing values, so that rounding may move a step to the other side."""

    def __init__(self, features: int) -> None:
        super().__init__()
        if features < 1:
            raise ValueError(f"{type(self).__name__}: features must be >= 1, got {features}")
        self.features = features
        self.out_features: int = self.parts * features

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Summarise every stream.

        Args:
            z: Representations; (batch, streams, time, features).
            observed: True at the steps that count; (batch, time).

        Returns:
            (batch, streams, out_features).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward(z, observed)")


def mean_over(z: Tensor, steps: Tensor) -> Tensor:
    """Return the mean of z (batch, streams, time, features) over steps (batch, time), zero where there are none."""
    weights = steps.to(z.dtype)
    weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1.0)
    return (weights[:, None, None, :] @ z).squeeze(2)  # (batch, streams, features)


def max_over(z: Tensor, steps: Tensor) -> Tensor:
    """Return the maximum of z (batch, streams, time, features) over steps (batch, time), zero where there are none."""
    if surely((steps == steps[:1]).all()) and len(steps):  # all windows look at the same ones, mostly one stretch
        chosen = steps[0].nonzero()
        if len(chosen) and bool(chosen[-1] - chosen[0] + 1 == len(chosen)):
            return z[:, :, int(chosen[0]) : int(chosen[-1]) + 1].amax(dim=2)
    highest = z.masked_fill(~steps[:, None, :, None], float("-inf")).amax(dim=2)
    return highest.masked_fill(~steps.any(dim=1)[:, None, None], 0.0)
