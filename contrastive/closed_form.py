"""The linear map that is best for a log-determinant loss, without a single step of descent."""

import torch
from torch import Tensor

_RANK_FLOOR = 1e-9  # of the largest eigenvalue, below which a direction is rounding


def whitening_map(rows: Tensor, differences: Tensor, *, width: int, strength: float) -> Tensor:
    """Return the map W that minimises `tr(W N W') - log det(W S W')`.

    S is the covariance of the rows; N = strength * D + (1 - strength) * m I, where D is the mean outer product of the
    differences and m the mean of D's diagonal. The first term keeps views of a window together, the second one spreads
    windows over as large a volume as it can: `contrastive.losses.log_det` of linear embeddings, where N's second part
    is a decay of the weights. The minimum is known: W holds the leading generalised eigenvectors of (S, N), with
    W N W' = I. It is found from Gram matrices of rows and of differences, so the features may be many.

    A rotation of the embedding changes no distance and no loss; W is rotated at random, so that all its coordinates
    vary alike and a probe that standardises them leaves distances about as they are. With a width of the number of
    rows or more, nothing that tells the rows apart is lost.

    Args:
        rows: Representations of windows, one row each, standardised; (n, features).
        differences: Between the representations of two views of a window; without any, N is the identity and W has
            the principal directions of the rows; (m, features).
        width: Of the embedding.
        strength: How much of the differences' covariance there is in N, in [0, 1).

    Returns:
        In the precision of the rows; (width, features).
    """
    n_features = rows.shape[1]
    values, directions = _principal(differences, centred=False)
    mean = float(values.sum()) / n_features
    decay = (1.0 - strength) * mean if mean > 0 else 1.0
    shrink = ((strength * values + decay) ** -0.5 - decay**-0.5).to(rows.dtype)

    def whitened(z: Tensor) -> Tensor:
        """Return z N^(-1/2) for rows z."""
        scaled: Tensor = z * decay**-0.5 + ((z @ directions) * shrink) @ directions.T
        return scaled

    _, leading = _principal(whitened(rows), centred=True)
    leading = leading[:, :width]
    normal = torch.randn(width, leading.shape[1], dtype=rows.dtype, device=rows.device)
    rotation: Tensor = torch.linalg.qr(normal).Q  # (width, directions)
    return rotation @ whitened(leading.T)


def _principal(rows: Tensor, *, centred: bool) -> tuple[Tensor, Tensor]:
    """Return the second moments of rows along their principal directions, largest first, and these.

    Returns:
        Shapes (r,), float64, and (features, r).
    """
    if not len(rows):
        return rows.new_zeros(0, dtype=torch.float64), rows.T
    if centred:
        rows = rows - rows.mean(dim=0)
    n, n_features = rows.shape
    if n <= n_features:
        values, vectors = torch.linalg.eigh((rows @ rows.T).double() / n)
    else:
        values, vectors = torch.linalg.eigh((rows.T @ rows).double() / n)
    kept = (values > _RANK_FLOOR * values.max().clamp_min(1e-30)).nonzero().squeeze(1).flip(0)
    values, vectors = values[kept], vectors[:, kept].to(rows.dtype)
    if n > n_features:
        return values, vectors
    return values, rows.T @ (vectors / (values * n).sqrt().to(rows.dtype))
