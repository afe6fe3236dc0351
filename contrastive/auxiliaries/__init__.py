"""Auxiliary losses that work on the windows themselves, one per file."""
