"""Norms of the embedding transformation, one per file; they hold no weights and act in training only."""
