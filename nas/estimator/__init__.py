"""The search for scikit-learn's users."""

from nas.estimator.contrastive_nas import ContrastiveNAS

__all__ = ["ContrastiveNAS"]
