"""Pair groups: rows of representations and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class PairGroup:
    """Anchors and candidates in G groups that share one pattern of pairs.

    A candidate that is neither positive nor excluded is a negative.

    Args:
        anchors: What is compared, shape (G, A, D).
        candidates: What it is compared with, shape (G, N, D).
        positives: The candidates that belong to the anchor, shape (A, N).
        excluded: The candidates that do not count, such as the anchor itself,
            shape (A, N).
        same_view: The candidates from the view of the anchor, shape (A, N).
    """

    anchors: Tensor
    candidates: Tensor
    positives: Tensor
    excluded: Tensor
    same_view: Tensor


class Masks(NamedTuple):
    """Boolean masks of a `PairGroup`, each of shape (A, N)."""

    positives: Tensor
    excluded: Tensor
    same_view: Tensor


def two_view_masks(rows: int, *, device: torch.device) -> Masks:
    """Return the pattern for `rows` rows of view 1 followed by `rows` rows of view 2.

    The positive of a row is the same row of the other view; the row itself is
    excluded. All masks have the shape (2 rows, 2 rows).
    """
    same = torch.eye(rows, dtype=torch.bool, device=device)
    view = torch.arange(2 * rows, device=device) >= rows
    return Masks(
        positives=same.repeat(2, 2) & (view[:, None] != view),
        excluded=torch.eye(2 * rows, dtype=torch.bool, device=device),
        same_view=view[:, None] == view,
    )
