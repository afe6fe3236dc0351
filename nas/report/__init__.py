"""What a run prints and writes for a person."""

from __future__ import annotations
