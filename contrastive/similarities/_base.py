"""What all similarities share: the signature."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor


class Similarity(ABC):
    """How close two representations are; larger means closer, symmetric in its arguments."""

    @abstractmethod
    def __call__(self, anchors: Tensor, candidates: Tensor) -> Tensor:
        """Return all similarities within each group.

        Args:
            anchors: Shape (G, A, D).
            candidates: Shape (G, N, D).

        Returns:
            Shape (G, A, N).
        """
