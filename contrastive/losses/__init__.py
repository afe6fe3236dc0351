"""Losses over a pair group, one per file."""

from __future__ import annotations
