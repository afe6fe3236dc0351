"""What all augmentations share: the final call and the promises that it checks."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

import torch

from contrastive.checks import SHARE, checked
from contrastive.views import View
from search_space.genotype.rules import NOT_NEGATIVE


class Augmentation(ABC):
    """A random change of a view that leaves its meaning alone.

    Promises: the input is not modified, the dtype and the variates stay, all
    chance comes from the generator (on the device of the values) and differs
    between windows, a missing value stays missing where it is (or moves with
    its step) and does not spread.
    """

    shortens: ClassVar[bool] = False
    """The view may lose steps, so both views need a common core."""

    def __call__(self, view: View, *, generator: torch.Generator) -> View:
        """Return the augmented view.

        Raises:
            ValueError: If the implementation breaks a promise.
        """
        result = self._apply(view, generator=generator)
        self._check(view, result)
        return result

    @abstractmethod
    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        """Return the augmented view; written by the author of an option."""

    def _apply_in_time_order(self, view: View, *, generator: torch.Generator) -> View:
        """Apply to the steps in order of time; each result takes the place of the step with its rank.

        For options that read between neighbouring steps, and so need them to be
        neighbours in time, on a view that is not ordered.
        """
        order = view.time_order()
        result = self._apply(replace(view.at(order), ordered=True), generator=generator)
        return replace(result.at(order.argsort(dim=1)), ordered=False)

    def _check(self, before: View, after: View) -> None:
        name = type(self).__name__
        batch, steps, variates = before.values.shape
        kept = after.values.shape[1]
        fits = after.values.shape == (batch, kept, variates) and after.times.shape == (batch, kept)
        fits = fits and (kept == steps or (kept < steps and self.shortens))
        if not fits or after.values.dtype != before.values.dtype:
            raise ValueError(
                f"{name}: must keep batch, variates, dtype and (unless it shortens) the {steps} steps, got values "
                f"{tuple(after.values.shape)} {after.values.dtype} and times {tuple(after.times.shape)} "
                f"from values {tuple(before.values.shape)} {before.values.dtype}"
            )
        # Where time moves, missing steps move too; only the option itself knows where to.
        stays = after.times is before.times
        if stays and bool((torch.isnan(before.values) & ~torch.isnan(after.values)).any()):
            raise ValueError(f"{name}: a missing value (NaN) must stay missing, but one was replaced")


class ShareAugmentation(Augmentation):
    """An augmentation whose strength is a share or a probability.

    Args:
        ratio: What of, the option says; in [0, 1).

    Raises:
        ValueError: If `ratio` lies outside [0, 1).
    """

    def __init__(self, *, ratio: float) -> None:
        self.ratio = checked(f"{type(self).__name__}.ratio", ratio, SHARE)


class NoiseAugmentation(Augmentation):
    """An augmentation whose strength is a standard deviation.

    Args:
        sigma: What of, the option says; >= 0.

    Raises:
        ValueError: If `sigma` is negative or not finite.
    """

    def __init__(self, *, sigma: float) -> None:
        self.sigma = checked(f"{type(self).__name__}.sigma", sigma, NOT_NEGATIVE)
