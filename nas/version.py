"""The software: its packages, its version, and the one that decides whether stored scores may be compared."""

PACKAGES = ("compute", "search_space", "contrastive", "encoders", "downstream", "ahc", "nas")

__version__ = "0.1.0"

PROTOCOL_VERSION = "1"
"""Changes whenever training or scoring changes what a stored score means."""
