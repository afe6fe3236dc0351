"""A map of points in the plane, twice: their two main directions, and who is next to whom."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.report.evidence.points import Points

MOST_WINDOWS = 500
DIRECTIONS = 50
"""Main directions in which neighbours are looked for."""
FEWEST = 8
_STEPS = 500


def map_of(points: Points) -> dict[str, Any]:
    """Return coordinates of points by PCA and by t-SNE (van der Maaten and Hinton 2008), as scikit-learn has them.

    Features are standardised, so that none counts for its size alone; the principal components are found from the
    products of the points with each other, since there are fewer points than features.

    Returns:
        `word` and `texts` of the points, `pca` and `tsne` (n, 2) and `explained`, the share of variance of the two
        directions; nothing where there are fewer than `FEWEST` points.
    """
    from sklearn.decomposition import KernelPCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    n = len(points.values)
    if n < FEWEST:
        return {}
    rows = StandardScaler().fit_transform(points.values.astype(np.float64))
    total = float(np.square(rows).sum())
    if not total > 0:
        return {}
    components = KernelPCA(min(DIRECTIONS, n - 1), kernel="linear", eigen_solver="dense", random_state=0)
    directions = _two_at_least(components.fit_transform(rows))
    neighbours = TSNE(perplexity=min(30.0, (n - 1) / 3), init="pca", max_iter=_STEPS, random_state=0)
    return {
        "word": points.word,
        "texts": points.texts,
        "pca": directions[:, :2],
        "explained": np.square(directions[:, :2]).sum(axis=0) / total,
        "tsne": neighbours.fit_transform(directions.astype(np.float32)),
    }


def _two_at_least(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, directions) with a column of zeros where all points lie on one line."""
    missing = max(0, 2 - directions.shape[1])
    return np.pad(directions, ((0, 0), (0, missing)))
