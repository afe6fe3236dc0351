"""Weightings of anchors, one per file."""
