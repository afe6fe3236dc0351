"""Readers: files, folders, frames and arrays become tasks."""

from downstream.data.loading import load_plain_series, load_task
from downstream.data.sources import infer_kind, open_source

__all__ = ["infer_kind", "load_plain_series", "load_task", "open_source"]
