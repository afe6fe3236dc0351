"""What all pair kinds share: the signature and the level they use without a hierarchy."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from contrastive.groups import Group
from contrastive.hierarchy import Scale


class Pair(ABC):
    """Says which representations of a level are positives and negatives of each other."""

    uses_whole_window: ClassVar[bool] = False
    """Without a hierarchy, use the pooled window (level 1) and not the steps (level 0)."""

    @abstractmethod
    def __call__(self, scales: Sequence[Scale], level: int) -> Group | None:
        """Return the pairs at one level, or None where there are no negatives.

        Args:
            scales: All levels, the finest first.
            level: Index into `scales`.
        """
