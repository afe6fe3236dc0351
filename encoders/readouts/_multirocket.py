"""Four numbers per threshold: `multirocket_1`, `multirocket_4` and `multirocket_8`."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.readouts._by_feature import number_of
from encoders.readouts._thresholds import SOFTNESS, ThresholdReadout

_AT_A_TIME = 1 << 15
"""Comparisons of a step: their sums are to stay in the processor's cache from step to step."""


class MultiRocketReadout(ThresholdReadout):
    """Give, for each threshold of each feature, four numbers about the observed steps that lie above it.

    The share of the observed steps that they are, their mean excess in deviations of the feature, their mean place
    from 0 (first observed step) to 1 (last), and the longest stretch of them as a share of the observed steps; zeros
    where no step lies above. In training the first three are soft and the last is exact, without a gradient.

    Deliberate differences from the paper: the excess counts from the threshold, not from zero; the place is scaled;
    what has no step above is at place 0 instead of -1.
    """

    per_threshold: ClassVar[int] = 4

    def summary(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
        """Return the four numbers of each threshold side by side.

        Args:
            values: (rows, some features, time).
            counted: 1 at steps that count, one stretch of them, else 0; (rows, time, 1).
            part: Which features they are.

        Returns:
            (rows, some features, parts).
        """
        if torch.compiler.is_compiling():
            return self._in_graph(values, counted, part)
        with torch.no_grad():
            rows = max(1, _AT_A_TIME // (values.shape[1] * self.n_thresholds))
            pieces = zip(torch.split(values, rows), torch.split(counted, rows), strict=True)
            exact = torch.cat([self._exact(some, some_counted, part) for some, some_counted in pieces])
        if not self.training:
            return exact.flatten(2)
        return torch.cat([self._soft(values, counted, part), exact[..., 3:]], dim=-1).flatten(2)

    def _exact(self, values: Tensor, counted: Tensor, part: slice) -> Tensor:
        """Go from step to step with the sums of all thresholds at once; (rows, features, n_thresholds, 4)."""
        hidden = torch.finfo(values.dtype).min  # above no threshold
        seen = values.masked_fill(counted.transpose(1, 2) == 0, hidden)
        # as a matrix, as torch turns these six times as fast
        by_step = seen.flatten(0, 1).T.contiguous().view(-1, *values.shape[:2])
        thresholds = self.thresholds(part).T[:, None].expand(-1, len(values), -1).contiguous()
        above, stretch, longest, count, total, place = (torch.zeros_like(thresholds) for _ in range(6))
        for number, step in enumerate(by_step):  # (rows, features)
            torch.gt(step, thresholds, out=above)
            torch.addcmul(above, stretch, above, out=stretch)
            torch.maximum(longest, stretch, out=longest)
            count.add_(above)
            total.addcmul_(above, step)
            place.add_(above, alpha=number)
        n_steps, first = number_of(counted), counted.argmax(dim=1, keepdim=True)
        n_above = count.clamp(min=1.0)
        excess = (total - count * thresholds) / n_above / self.deviation[part]
        place = (place - count * first.view(1, -1, 1)) / n_above
        n_steps = n_steps.view(1, -1, 1)
        numbers = [count / n_steps, excess, place / (n_steps - 1).clamp(min=1.0), longest / n_steps]
        return torch.stack(numbers, dim=-1).permute(1, 2, 0, 3)

    def _in_graph(self, values: Tensor, counted: Tensor, part: slice) -> Tensor:
        """Do what `_exact` does without going from step to step, for windows of any length; (rows, features, parts)."""
        n_steps, thresholds, inside = number_of(counted), self.thresholds(part), counted.transpose(1, 2) > 0
        end = values.shape[2]
        steps = torch.arange(end, device=values.device)
        place = counted * (counted.cumsum(dim=1) - 1) / (n_steps - 1).clamp(min=1.0)
        numbers = []
        for threshold in thresholds.unbind(1):
            above = (values > threshold[:, None]) & inside  # (rows, features, time)
            weights = above.to(values.dtype)
            count = weights.sum(dim=2)
            n_above = count.clamp(min=1.0)
            excess = ((values * weights).sum(dim=2) - count * threshold) / n_above / self.deviation[part]
            # a stretch lies between two of those that are not above, in their order
            below = torch.where(above, end, steps).sort(dim=2).values
            apart = [below[..., :1] + 1, below[..., 1:] - below[..., :-1], end - below[..., -1:]]
            longest = torch.cat(apart, dim=2).amax(dim=2) - 1
            places = (weights @ place).squeeze(2) / n_above
            numbers.append(torch.stack([count / n_steps[:, 0], excess, places, longest / n_steps[:, 0]], dim=-1))
        return torch.stack(numbers, dim=2).flatten(2)

    def _soft(self, values: Tensor, counted: Tensor, part: slice) -> Tensor:
        """Weigh steps by how far they lie above; (rows, features, n_thresholds, 3)."""
        n_steps, thresholds = number_of(counted), self.thresholds(part)
        place = counted * (counted.cumsum(dim=1) - 1) / (n_steps - 1).clamp(min=1.0)
        columns = torch.cat([counted, place], dim=-1)  # (rows, time, 2)
        numbers = []
        for j in range(self.n_thresholds):
            excess = (values - thresholds[:, j, None]) / self.deviation[part][:, None]
            above = torch.sigmoid(excess / SOFTNESS)
            count, places = (above @ columns).unbind(dim=-1)  # (rows, features)
            n_above = count.clamp(min=1.0)
            total = ((above * excess) @ counted).squeeze(-1)
            numbers.append(torch.stack([count / n_steps[:, 0], total / n_above, places / n_above], dim=-1))
        return torch.stack(numbers, dim=2)
