"""Pair kinds, one per file: which representations are pulled together and which pushed apart."""
