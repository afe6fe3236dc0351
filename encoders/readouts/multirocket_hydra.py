"""Half of the features by thresholds, the other half by competition."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.halves import first_half
from encoders.readouts._by_feature import FeatureReadout
from encoders.readouts.hydra import HydraReadout
from encoders.readouts.multirocket_8 import MultiRocket8
from search_space.registry import register


@register(
    "readout",
    "multirocket_hydra",
    source="Hydra, Dempster et al. 2023, arXiv:2203.13652, section 4 (with MultiRocket, arXiv:2102.00457)",
)
class MultiRocketHydraReadout(FeatureReadout):
    """Summarise the first half of the features as `multirocket_8` does and the others as `hydra` does.

    The first half is rounded up so that the second consists of whole groups of eight; fewer than 16 features are all
    in the first half. A feature of the first half gives 32 numbers, one of the second 2.
    """

    fitted: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.split = first_half(features)
        self.multirocket = MultiRocket8(self.split)
        self.hydra = HydraReadout(features - self.split) if self.split < features else None
        self.out_features = self.multirocket.out_features + (0 if self.hydra is None else self.hydra.out_features)

    def fit(self, values: Tensor, part: slice = slice(None)) -> None:
        """Set the thresholds of those features that have some.

        Args:
            values: What these features are at observed steps, (some features, steps).
            part: Which they are.
        """
        start, stop, _ = part.indices(self.features)
        if start < self.split:
            with_thresholds = slice(start, min(stop, self.split))
            self.multirocket.fit(values[: with_thresholds.stop - start], with_thresholds)

    def restart(self) -> None:
        """Put the thresholds back to where `fit` had put them."""
        self.multirocket.restart()

    def takes(self, part: slice) -> bool:
        """Return whether these features lie in one half and can be summarised without the others."""
        if self.hydra is None or part.stop <= self.split:
            return self.multirocket.takes(part)
        return part.start >= self.split and self.hydra.takes(self._of_second(part))

    def summary(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
        """Return the summaries of features of one half.

        Args:
            values: (rows, some features, time).
            counted: 1 at steps that count, one stretch of them, else 0; (rows, time, 1).
            part: Which features they are, such that `takes` says yes.

        Returns:
            (rows, some features, 32), or (rows, some features, 2) of the second half.
        """
        if self.hydra is None or part.stop <= self.split:
            return self.multirocket.summary(values, counted, part)
        return self.hydra.summary(values, counted, self._of_second(part))

    def whole(self, values: Tensor, counted: Tensor) -> Tensor:
        """Return the summaries of all features, half by half; (rows, out_features)."""
        halves = [slice(0, self.split), slice(self.split, self.features)]
        some = [part for part in halves if part.start < part.stop]
        return torch.cat([self.summary(values[:, part], counted, part).flatten(1) for part in some], dim=1)

    def _of_second(self, part: slice) -> slice:
        return slice(part.start - self.split, part.stop - self.split)
