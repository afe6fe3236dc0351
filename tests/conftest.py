"""Test session: one thread for arithmetic, as a worker has; two would fight over the cores of a small machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Limit torch, which reads the environment only where it has not been imported yet."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def interrupts_arrive() -> None:
    """Let Ctrl-C arrive: a shell that starts the tests in the background has them, and their children, ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how much of the search space `test_whole_space` tries."""
    parser.addoption("--genotypes", type=int, default=27, help="random genotypes of a space to try")
    parser.addoption("--space", default="full", choices=["default", "full"], help="the space that they come from")
    parser.addoption("--every-shape", action="store_true", help="try each genotype at each shape, not at one of nine")
    parser.addoption("--passed", type=Path, help="file of the cases that passed; they are left out")
    parser.addoption("--fuzz-inputs", type=int, default=500, help="inputs of the fuzz campaign over all targets")
    parser.addoption("--kills", type=int, default=1, help="processes that each test of survival kills")
    parser.addoption("--every-check", action="store_true", help="scikit-learn's checks of regression as well")
    parser.addoption("--part", default="1/1", help="which part of the genotypes, such as 1/2")
