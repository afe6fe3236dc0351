"""Ridge regression: one eigendecomposition serves every alpha, target and horizon.

A ridge fit, and its squared error on other rows, need only sums of products.
`Moments` holds them, adds up over blocks of rows (so the rows never have to be
in memory at once) and over groups (so one model per variate and one model shared
by all come from the same sums). `RidgePath` is the fit for all alphas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

ALPHAS: tuple[float, ...] = tuple(10.0 ** (step / 2) for step in range(-6, 13))
TS2VEC_ALPHAS: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


@dataclass(frozen=True)
class Moments:
    """Sums over rows of `w`, `w x`, `w y`, `w x x'`, `w x y'`, `w y y`; a leading group axis.

    Args:
        count: Rows with a positive weight, (groups,).
        weight: Sum of weights, (groups,).
        x: (groups, d).
        y: (groups, m).
        xx: (groups, d, d).
        xy: (groups, d, m).
        yy: (groups, m).
    """

    count: Tensor
    weight: Tensor
    x: Tensor
    y: Tensor
    xx: Tensor
    xy: Tensor
    yy: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, *, weight: Tensor | None = None) -> Moments:
        """Sum one block of rows in float64.

        Args:
            x: Features, (groups, n, d).
            y: Targets; NaN only where the weight is 0, (groups, n, m).
            weight: Of each row, >= 0; all 1 by default, (groups, n).
        """
        x, y = x.double(), y.double()
        if weight is None:
            ones = x.new_ones(x.shape[:2])
            weighted_x, weighted_y, weight = x, y, ones
        else:
            weight = weight.double()
            y = torch.nan_to_num(y)
            weighted_x, weighted_y = x * weight[..., None], y * weight[..., None]
        return cls(
            count=(weight > 0).sum(1).double(),
            weight=weight.sum(1),
            x=weighted_x.sum(1),
            y=weighted_y.sum(1),
            xx=weighted_x.transpose(1, 2) @ x,
            xy=weighted_x.transpose(1, 2) @ y,
            yy=(weighted_y * y).sum(1),
        )

    @classmethod
    def pooled_rows(cls, x: Tensor, y: Tensor, counts: Tensor) -> Moments:
        """Sum the rows of all groups as one group.

        Args:
            x: Features, (groups, n, d).
            y: Targets; NaN only where a row does not count, (groups, n, m).
            counts: Which rows count, bool (groups, n).
        """
        weight = None if bool(counts.all()) else counts.flatten()[None].double()
        return cls.of(x.flatten(0, 1)[None], y.flatten(0, 1)[None], weight=weight)

    def __add__(self, other: Moments) -> Moments:
        return Moments(*(mine + theirs for mine, theirs in zip(self._parts(), other._parts(), strict=True)))

    def pooled(self) -> Moments:
        """Return the sum over the groups, as one group."""
        return Moments(*(part.sum(0, keepdim=True) for part in self._parts()))

    def group(self, index: int) -> Moments:
        """Return one group."""
        return Moments(*(part[index : index + 1] for part in self._parts()))

    @classmethod
    def side_by_side(cls, groups: Sequence[Moments]) -> Moments:
        """Return the groups of all, in their order."""
        return cls(*(torch.cat(parts) for parts in zip(*(each._parts() for each in groups), strict=True)))

    def targets(self, chosen: slice) -> Moments:
        """Return the sums for some of the targets."""
        return replace(self, y=self.y[:, chosen], xy=self.xy[:, :, chosen], yy=self.yy[:, chosen])

    def first_targets(self, n_targets: int) -> Moments:
        """Return the sums for the first targets only."""
        return self.targets(slice(n_targets))

    def from_level(self, level: Tensor, *, columns: Tensor, moved: Tensor) -> Moments:
        """Return the sums with a linear combination of the features taken off some of them, and off all targets.

        Args:
            level: What is taken off is `x @ level`, (d,).
            columns: The features that are kept, (k,).
            moved: 1 for a kept feature from which the level is taken off, else 0, (k,).
        """
        lx = self.x @ level  # (groups,)
        lxx, lxy = self.xx @ level, torch.einsum("d,gdm->gm", level, self.xy)  # (groups, d), (groups, m)
        ll = lxx @ level  # (groups,)
        kept = lxx[:, columns]
        off = kept[:, :, None] * moved
        return replace(
            self,
            x=self.x[:, columns] - lx[:, None] * moved,
            y=self.y - lx[:, None],
            xx=self.xx[:, columns][:, :, columns]
            - off
            - off.transpose(1, 2)
            + ll[:, None, None] * torch.outer(moved, moved),
            xy=self.xy[:, columns] - kept[:, :, None] - moved[:, None] * (lxy - ll[:, None])[:, None],
            yy=self.yy - 2 * lxy + ll[:, None],
        )

    def feature_scale(self) -> Tensor:
        """Return the standard deviation of each feature over all groups, 1 where it is constant, (d,)."""
        whole = self.pooled()
        mean = whole.x[0] / whole.weight[0]
        square = whole.xx[0].diagonal() / whole.weight[0]
        variance = square - mean**2
        constant = variance <= 1e-12 * square.clamp_min(1e-30)
        return torch.where(constant, torch.ones_like(variance), variance.clamp_min(0).sqrt())

    def _parts(self) -> tuple[Tensor, ...]:
        return (self.count, self.weight, self.x, self.y, self.xx, self.xy, self.yy)


class AlphaChoice(NamedTuple):
    """A chosen penalty, its error, and whether it lies on the edge of the grid."""

    alpha: float
    error: float
    on_edge: bool


@dataclass(frozen=True)
class RidgePath:
    """Ridge with an unpenalised intercept for every alpha: `min |y - c - Xw|^2 + alpha |w|^2`.

    With the centred, scaled features `X = U S V'` the weights are
    `V diag(1 / (S^2 + alpha)) V' X'y`.

    Args:
        mean: Feature means, (d,).
        scale: Features are divided by it, (d,).
        intercept: Target means, (m,).
        basis: `V`, (d, r).
        eigenvalues: `S^2`, (r,).
        loadings: `V' X' y`, (r, m).
    """

    mean: Tensor
    scale: Tensor
    intercept: Tensor
    basis: Tensor
    eigenvalues: Tensor
    loadings: Tensor

    @classmethod
    def from_moments(cls, moments: Moments, *, scale: Tensor | None = None) -> RidgePath:
        """Fit on the sums of one group of rows.

        Raises:
            ValueError: If there is more than one group, or no row.
        """
        if moments.count.numel() != 1:
            raise ValueError(f"RidgePath.from_moments needs one group of rows, got {moments.count.numel()}")
        weight = moments.weight[0]
        if weight <= 0:
            raise ValueError("RidgePath.from_moments needs at least one row, got none")
        mean, intercept = moments.x[0] / weight, moments.y[0] / weight
        scale = torch.ones_like(mean) if scale is None else scale.to(mean)
        covariance = (moments.xx[0] - weight * torch.outer(mean, mean)) / torch.outer(scale, scale)
        products = (moments.xy[0] - weight * torch.outer(mean, intercept)) / scale[:, None]
        eigenvalues, basis = torch.linalg.eigh((covariance + covariance.T) / 2)
        return cls(mean, scale, intercept, basis, eigenvalues.clamp_min(0), basis.T @ products)

    @classmethod
    def from_rows(cls, x: Tensor, y: Tensor) -> RidgePath:
        """Fit on features (n, d) and targets (n, m), through the smaller of the two Gram matrices."""
        n, d = x.shape
        if n > d:
            return cls.from_moments(Moments.of(x[None], y[None]))
        x, y = x.double(), y.double()
        mean, intercept = x.mean(0), y.mean(0)
        centred = x - mean
        eigenvalues, left = torch.linalg.eigh(centred @ centred.T)
        # Directions that the rows do not span carry no weight; dividing by their root would be noise.
        kept = eigenvalues > eigenvalues[-1].clamp_min(1e-300) * 1e-13
        eigenvalues, left = eigenvalues[kept], left[:, kept]
        root = eigenvalues.sqrt()
        basis = (centred.T @ left) / root
        return cls(
            mean, torch.ones_like(mean), intercept, basis, eigenvalues, root[:, None] * (left.T @ (y - intercept))
        )

    def weights(self, alpha: float) -> tuple[Tensor, Tensor]:
        """Return weights (d, m) and intercepts (m,) for features as given."""
        weights = self.basis @ (self.loadings / (self.eigenvalues + alpha)[:, None]) / self.scale[:, None]
        return weights, self.intercept - self.mean @ weights

    def predict(self, x: Tensor, *, alpha: float) -> Tensor:
        """Return predictions, (n, m), for features (n, d)."""
        weights, intercept = self.weights(alpha)
        return x.to(weights) @ weights + intercept

    def errors(self, other: Moments, alphas: Sequence[float] = ALPHAS) -> Tensor:
        """Return the mean squared error on other rows for all alphas, from their sums alone, (n_alphas,)."""
        weight, count = other.weight[0], other.count[0]
        n_targets = self.intercept.numel()
        # Sums of products around the training means.
        x, y = other.x[0] - weight * self.mean, other.y[0] - weight * self.intercept
        cross = torch.outer(other.x[0], self.mean)
        xx = other.xx[0] - cross - cross.T + weight * torch.outer(self.mean, self.mean)
        xy = other.xy[0] - torch.outer(self.mean, other.y[0]) - torch.outer(x, self.intercept)
        yy = (other.yy[0] - 2 * self.intercept * y - weight * self.intercept**2).sum()
        projection = self.basis / self.scale[:, None]
        linear = ((projection.T @ xy) * self.loadings).sum(1)
        quadratic = (projection.T @ xx @ projection) * (self.loadings @ self.loadings.T)
        shrink = 1.0 / (self.eigenvalues + torch.tensor(list(alphas)).to(self.eigenvalues)[:, None])
        total = yy - 2 * shrink @ linear + ((shrink @ quadratic) * shrink).sum(1)
        return total.clamp_min(0) / (count * n_targets)


def choose(errors: Tensor, alphas: Sequence[float] = ALPHAS) -> AlphaChoice:
    """Return the alpha with the smallest error; of equals, the largest alpha.

    Raises:
        ValueError: If no error is finite.
    """
    finite = torch.where(torch.isfinite(errors), errors, torch.inf)
    if bool(torch.isinf(finite).all()):
        raise ValueError("choose: every alpha has a non-finite error; are the features finite?")
    best = len(alphas) - 1 - int(torch.argmin(finite.flip(0)))
    return AlphaChoice(float(alphas[best]), float(errors[best]), best in (0, len(alphas) - 1))
