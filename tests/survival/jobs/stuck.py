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


if __name__ == "__main__":
    import stuck  # not `__main__`, which no worker can import

    from nas.cli import program

    module, name = os.environ["WHERE"].split(":")
    setattr(importlib.import_module(module), name, stuck.for_minutes)
    sys.exit(program.main())
