"""What tests of encoders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def fixed_weights() -> Iterator[None]:
    """Draw the same weights in every test."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield
