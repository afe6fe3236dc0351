"""The same bits from the same seeds, also where torch would choose a faster way whose order of sums is open."""

import contextlib
import os
from collections.abc import Iterator

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_REPEATABLE = (":4096:8", ":16:8")
"""The values with which cuBLAS gives the same bits (cuBLAS library, section 2.1.4)."""


@contextlib.contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """Use only operations inside the block that give the same bits each time; an operation without one raises.

    `torch.use_deterministic_algorithms`, cuDNN deterministic and without trying out what is fastest, and a workspace of
    cuBLAS that is repeatable, as far as nothing on the GPU was computed before. On one CPU thread torch gives the same
    bits anyway. All is put back behind the block.

    Args:
        wanted: Whether; without, the block is as it would be.
    """
    if not wanted:
        yield
        return
    import torch  # heavy, and only who wishes it needs it here

    cudnn = torch.backends.cudnn
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.deterministic,
        cudnn.benchmark,
        os.environ.get(WORKSPACE),
    )
    if before[-1] not in _REPEATABLE:
        os.environ[WORKSPACE] = _REPEATABLE[0]
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        enabled, warn_only, cudnn.deterministic, cudnn.benchmark, workspace = before
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        if workspace is None:
            os.environ.pop(WORKSPACE, None)
        else:
            os.environ[WORKSPACE] = workspace
