"""The software: its packages, its version, and the one that decides whether stored scores may be compared."""

PACKAGES = ("compute", "search_space", "contrastive", "encoders", "downstream", "ahc", "nas")

__version__ = "0.1.0"

PROTOCOL_VERSION = "2"
"""Changes whenever training or scoring changes what a stored score means: of 1 it was the best of its curve, of 2 it is
the last."""
