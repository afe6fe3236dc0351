"""Similarities between representations, one per file; larger means closer."""
