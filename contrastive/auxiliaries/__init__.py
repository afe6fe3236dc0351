"""Auxiliary losses that work on the windows themselves, one per file."""

from __future__ import annotations
