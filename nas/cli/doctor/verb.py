"""`tscnas doctor`: all checks, one line each."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass

from nas.cli.doctor.check import FAIL, OK, WARN, Check
from nas.cli.doctor.engines import check_engines
from nas.cli.doctor.machine import check_machine
from nas.cli.doctor.packages import check_shadows, check_versions
from nas.options.operations import DoctorOptions

FAILED = 3


@dataclass(frozen=True)
class DoctorResult:
    """What the checks found; `text` is printed, `status` is the exit status."""

    checks: tuple[Check, ...]
    text: str

    @property
    def status(self) -> int:
        """0, or 3 where a check failed."""
        return FAILED if any(check.level == FAIL for check in self.checks) else 0


def examine(options: DoctorOptions) -> DoctorResult:
    """Run all checks; nothing is installed, started for good, or changed."""
    shadowed = check_shadows()  # before anything that may be hidden is imported
    checks = [*check_versions(), shadowed]
    if shadowed.level != FAIL:
        checks += [*check_machine(), *check_engines()]
    shown = as_json(checks) if options.json else as_text(checks)
    return DoctorResult(tuple(checks), shown)


def as_text(checks: list[Check]) -> str:
    """Return one line per check and a last one that sums up."""
    width = max(len(check.name) for check in checks)
    counts = Counter(check.level for check in checks)
    total = ", ".join(f"{counts[level]} {level}" for level in (OK, WARN, FAIL) if counts[level])
    skipped = "" if any(check.name == "gpu" for check in checks) else "; the machine was not looked at"
    return "\n".join([*(check.line(width=width) for check in checks), f"{len(checks)} checks: {total}{skipped}"])


def as_json(checks: list[Check]) -> str:
    """Return the worst level and all checks as one JSON object."""
    levels = {check.level for check in checks}
    worst = next(level for level in (FAIL, WARN, OK) if level in levels)
    return json.dumps({"level": worst, "checks": [asdict(check) for check in checks]}, indent=2)
