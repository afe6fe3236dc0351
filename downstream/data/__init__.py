"""Readers: files, folders, frames and arrays become tasks."""

from __future__ import annotations

__all__: list[str] = []
