"""Similarities between representations, one per file; larger means closer."""

from __future__ import annotations
