"""How candidates are run: `run_candidates` and its engines, `process` (default), `serial` and `ray`."""

from __future__ import annotations

from ahc.record import STATUSES
from nas.engines._job import Job, Result
from nas.engines.run import ENGINES, run_candidates

__all__ = ["ENGINES", "STATUSES", "Job", "Result", "run_candidates"]
