"""A computation that no signal's handler can enter, in place of some function of the software."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from pathlib import Path
from typing import Any


def for_minutes(*_: Any, **__: Any) -> None:
    """Say that it began, and stay in native code."""
    Path(os.environ["STUCK"]).write_text(str(os.getpid()), encoding="utf-8")
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)


def in_a_support_vector_machine(*_: Any, **__: Any) -> None:
    """Say that it began, and fit one to noise, which takes minutes; what it computes with must not be taken away."""
    import numpy as np

    from downstream.probes.svm import fit_svm

    x = np.random.default_rng(0).normal(size=(6000, 300))
    Path(os.environ["STUCK"]).write_text(str(os.getpid()), encoding="utf-8")
    fit_svm(x, np.arange(6000) % 2)


if __name__ == "__main__":
    import stuck  # not `__main__`, which no worker can import

    from nas.cli import program

    module, name = os.environ["WHERE"].split(":")
    setattr(importlib.import_module(module), name, getattr(stuck, os.environ["WORK"]))
    sys.exit(program.main())
