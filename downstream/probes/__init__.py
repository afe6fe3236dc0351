"""Probes: small models with few choices, fitted on frozen representations."""

from __future__ import annotations
