"""How long each stage of a run took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Collects wall seconds per named stage, in the order of their first start; `on_stage` hears of each start."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.on_stage: Callable[[str], object] = lambda stage: None

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a block; a stage that runs again adds up."""
        self.on_stage(stage)
        began = time.perf_counter()
        self.seconds.setdefault(stage, 0.0)
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - began
