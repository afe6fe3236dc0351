"""Weightings of anchors, one per file."""

from __future__ import annotations
