"""Losses over a pair group, one per file."""
