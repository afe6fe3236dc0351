"""Train candidates, search, and the product around it.

`ContrastiveNAS` is imported on first use: importing this package stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.estimator import ContrastiveNAS

__all__ = ["ContrastiveNAS"]


def __getattr__(name: str) -> Any:
    if name == "ContrastiveNAS":
        from nas.estimator import ContrastiveNAS

        return ContrastiveNAS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
