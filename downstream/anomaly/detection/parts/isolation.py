"""How few random cuts set a window apart from normal ones."""

from typing import Self

import numpy as np

from downstream.anomaly.detection.parts._part import Cuts, Floats, Part


class Isolation(Part):
    """An isolation forest over windows; the normal ones are measured by the forest that they grew.

    Source: Liu, Ting, Zhou 2008, doi:10.1109/ICDM.2008.17, as scikit-learn has it.
    """

    def __init__(self, known: Cuts) -> None:
        # Imported here: detectors that have no forest need not wait for it.
        from sklearn.ensemble import IsolationForest

        self._forest = IsolationForest(random_state=0).fit(known.flat())

    @classmethod
    def fit(cls, known: Cuts) -> Self:
        """Grow the forest."""
        return cls(known)

    def score(self, asked: Cuts) -> Floats:
        """Return scikit-learn's score with its sign turned, in 0..1, (n,)."""
        return np.asarray(-self._forest.score_samples(asked.flat()))
