"""Augmentations, one per file: a view in, a view out, all chance from the generator."""

from __future__ import annotations
